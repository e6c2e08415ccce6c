//go:build misspelled

package main

import "generators/generated/oapi"

var _ = oapi.TaskCreate{Titel: "x"}
