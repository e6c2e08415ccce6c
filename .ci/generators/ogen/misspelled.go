//go:build misspelled

package main

import "generators/generated/ogen"

var _ = ogen.TaskCreate{Titel: "x"}
