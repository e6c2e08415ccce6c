// Command oapi-codegen tries the client of that generator on the server that its
// argument names.
package main

import (
	"context"
	"log"
	"os"

	"generators/generated/oapi"
)

func main() {
	const user = "oapi-codegen"
	ctx := context.Background()
	api, err := oapi.NewClientWithResponses(os.Args[1])
	check(err == nil, err)

	created, err := api.CreateTaskWithResponse(ctx, user, nil, oapi.TaskCreate{
		Title: "Buy milk", Priority: new(oapi.TaskCreatePriority("high")), DueDate: new("2026-12-01"),
		Tags: &[]string{"home"}, Metadata: &map[string]any{"colour": "red"},
	})
	check(err == nil && created.JSON201 != nil, created, err)
	id := created.JSON201.Id

	listed, err := api.ListTasksWithResponse(ctx, user, &oapi.ListTasksParams{
		Tag: &[]string{"home"}, Priority: &[]oapi.ListTasksParamsPriority{"high"},
		Status: new(oapi.ListTasksParamsStatus("pending")), Sort: new(oapi.DueDateDesc),
	})
	check(err == nil && listed.JSON200 != nil && *(*listed.JSON200)[0].DueDate == "2026-12-01", listed, err)
	head, err := api.HeadListTasksWithResponse(ctx, user, nil)
	check(err == nil && head.StatusCode() == 200, head, err)

	updated, err := api.UpdateTaskWithResponse(ctx, user, id, nil, oapi.TaskUpdate{Title: new("Buy oat milk")})
	check(err == nil && updated.JSON200 != nil && updated.JSON200.Title == "Buy oat milk", updated, err)

	completed, err := api.CompleteTaskWithResponse(ctx, user, id, nil, oapi.TaskComplete{Completed: new(true)})
	check(err == nil && completed.JSON200 != nil && completed.JSON200.CompletedAt != nil, completed, err)

	deleted, err := api.DeleteTaskWithResponse(ctx, user, id, nil)
	check(err == nil && deleted.JSON200 != nil && deleted.JSON200.Deleted, deleted, err)
}

func check(good bool, got ...any) {
	if !good {
		log.Panicf("%+v", got)
	}
}
