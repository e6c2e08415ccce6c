package mcp

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"docket"
)

// tool is one tool: what agents are told about it, and what it does. Agents pay for
// every word of title, description and schema in each conversation, so a test bounds
// them together.
type tool struct {
	name, title, description string
	hints                    sdk.ToolAnnotations
	scope                    docket.Scopes
	// input is the JSON schema of the arguments. It is also what checks them.
	input *schema
	// run carries out a call whose arguments keep to the schema. Its error is of type
	// refusal when the agent can mend it.
	run func(ctx context.Context, a *Agents, owner docket.UserID, arguments jsontext.Value) (answer string, err error)
}

// tools are all tools, in the order in which clients see them.
var tools = []tool{
	{
		name: "add_tasks", title: "Add tasks", description: "Add 1-100 tasks, all or none.",
		hints: sdk.ToolAnnotations{DestructiveHint: no, OpenWorldHint: no},
		scope: docket.WriteTasks, run: addTasks,
		input: parseSchema(`{
			"type": "object", "required": ["tasks"], "additionalProperties": false,
			"properties": {
				"tasks": {"type": "array", "minItems": 1, "maxItems": 100, "items": {
					"type": "object", "required": ["title"], "additionalProperties": false,
					"properties": {
						"title": {"type": "string", "minLength": 1, "maxLength": 500},
						"description": {"type": "string", "maxLength": 5000},
						"completed": {"type": "boolean"},
						"priority": {"type": "string", "enum": ["low", "medium", "high"]},
						"due_date": {"type": "string", "description": "2026-12-01, 2026-12-01T09:00 (local) or 2026-12-01T09:00:00Z"},
						"tags": {"type": "array", "maxItems": 20, "items": {"type": "string", "minLength": 1, "maxLength": 50}}
					}
				}},
				"key": {"type": "string", "minLength": 1, "maxLength": 255, "description": "any new text; a call repeated with the same key adds nothing twice"}
			}
		}`),
	},
	{
		name: "delete_tasks", title: "Delete tasks", description: "Move 1-100 tasks to the trash, all or none. restore_tasks undoes it.",
		hints: sdk.ToolAnnotations{DestructiveHint: yes, OpenWorldHint: no},
		scope: docket.WriteTasks, run: deleteTasks, input: someIDs,
	},
	{
		name: "list_tasks", title: "List tasks", description: "Find tasks and their ids; pending ones by default. If the answer has a cursor, more follow: repeat the call with it.",
		hints: sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: no},
		scope: docket.ReadTasks, run: listTasks,
		input: parseSchema(`{
			"type": "object", "additionalProperties": false,
			"properties": {
				"query": {"type": "string", "minLength": 1, "maxLength": 100, "description": "text in title, description or a tag, in any case"},
				"status": {"type": "string", "enum": ["pending", "completed", "all", "deleted"]},
				"tag": {"type": "string", "minLength": 1, "maxLength": 50},
				"priority": {"type": "string", "enum": ["low", "medium", "high"]},
				"due_before": {"type": "string", "minLength": 1, "description": "exclusive; a date or time as in due_date"},
				"due_after": {"type": "string", "minLength": 1, "description": "inclusive"},
				"ids": {"type": "array", "minItems": 1, "maxItems": 100, "uniqueItems": true, "items": {"type": "string"}, "description": "just these, whatever their status"},
				"sort": {"type": "string", "enum": ["created_at", "-created_at", "updated_at", "-updated_at", "due_date", "-due_date", "priority", "-priority"]},
				"limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 25},
				"cursor": {"type": "string", "minLength": 1},
				"details": {"type": "boolean", "description": "all fields, also times and defaults"}
			}
		}`),
	},
	{
		name: "restore_tasks", title: "Restore tasks", description: "Take 1-100 deleted tasks out of the trash, all or none.",
		hints: sdk.ToolAnnotations{DestructiveHint: no, IdempotentHint: true, OpenWorldHint: no},
		scope: docket.WriteTasks, run: restoreTasks, input: someIDs,
	},
	{
		name: "update_tasks", title: "Update or complete tasks", description: `Change 1-100 tasks, all or none. Fields left out stay; "" or [] clears.`,
		hints: sdk.ToolAnnotations{IdempotentHint: true, OpenWorldHint: no},
		scope: docket.WriteTasks, run: updateTasks,
		input: parseSchema(`{
			"type": "object", "required": ["tasks"], "additionalProperties": false,
			"properties": {
				"tasks": {"type": "array", "minItems": 1, "maxItems": 100, "items": {
					"type": "object", "required": ["id"], "minProperties": 2, "additionalProperties": false,
					"properties": {
						"id": {"type": "string", "description": "from list_tasks"},
						"title": {"type": "string", "minLength": 1, "maxLength": 500},
						"description": {"type": "string", "maxLength": 5000},
						"completed": {"type": "boolean"},
						"priority": {"type": "string", "enum": ["low", "medium", "high"]},
						"due_date": {"type": "string"},
						"tags": {"type": "array", "maxItems": 20, "items": {"type": "string", "minLength": 1, "maxLength": 50}},
						"if_version": {"type": "integer", "minimum": 1, "description": "refuse if the task has changed since this version"}
					}
				}}
			}
		}`),
	},
}

var someIDs = parseSchema(`{
	"type": "object", "required": ["ids"], "additionalProperties": false,
	"properties": {"ids": {"type": "array", "minItems": 1, "maxItems": 100, "uniqueItems": true, "items": {"type": "string"}}}
}`)

var yes, no = new(true), new(false)

// findTool returns the tool of a name; nil when there is none.
func findTool(name string) *tool {
	if i := slices.IndexFunc(tools, func(t tool) bool { return t.name == name }); i >= 0 {
		return &tools[i]
	}
	return nil
}

func toolNames() []string {
	names := make([]string, len(tools))
	for i, t := range tools {
		names[i] = t.name
	}
	return names
}
