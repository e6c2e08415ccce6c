// Command ogen tries the client of that generator on the server that its argument
// names.
package main

import (
	"context"
	"log"
	"os"

	"generators/generated/ogen"
)

func main() {
	const user = "ogen"
	ctx := context.Background()
	api, err := ogen.NewClient(os.Args[1], anyToken{})
	check(err == nil, err)

	made, err := api.CreateTask(ctx, &ogen.TaskCreate{
		Title: "Buy milk", Priority: ogen.NewOptTaskCreatePriority("high"), DueDate: ogen.NewOptNilString("2026-12-01"),
		Tags: ogen.NewOptNilStringArray([]string{"home"}),
	}, ogen.CreateTaskParams{UserID: user})
	created, ok := made.(*ogen.TaskHeaders)
	check(ok, made, err)
	id := created.Response.ID

	all, err := api.ListTasks(ctx, ogen.ListTasksParams{
		UserID: user, Tag: []string{"home"}, Priority: []ogen.ListTasksPriorityItem{"high"},
		Status: ogen.NewOptListTasksStatus("pending"), Sort: ogen.NewOptTaskSort("-due_date"),
	})
	listed, ok := all.(*ogen.ListTasksOKHeaders)
	check(ok && listed.Response[0].DueDate.Value == "2026-12-01", all, err)
	head, err := api.HeadListTasks(ctx, ogen.HeadListTasksParams{UserID: user})
	check(err == nil, head, err)

	now, err := api.UpdateTask(ctx, &ogen.TaskUpdate{Title: ogen.NewOptString("Buy oat milk")}, ogen.UpdateTaskParams{UserID: user, ID: id})
	updated, ok := now.(*ogen.UpdateTaskOKHeaders)
	check(ok && updated.Response.Title == "Buy oat milk", now, err)

	done, err := api.CompleteTask(ctx, ogen.NewOptTaskComplete(ogen.TaskComplete{Completed: ogen.NewOptBool(true)}), ogen.CompleteTaskParams{UserID: user, ID: id})
	completed, ok := done.(*ogen.UpdateTaskOKHeaders)
	check(ok && !completed.Response.CompletedAt.Null, done, err)

	gone, err := api.DeleteTask(ctx, ogen.DeleteTaskParams{UserID: user, ID: id})
	deleted, ok := gone.(*ogen.TombstoneHeaders)
	check(ok && deleted.Response.Deleted, gone, err)
}

// anyToken is a token for a server that asks for none.
type anyToken struct{}

func (anyToken) Bearer(context.Context, ogen.OperationName) (ogen.Bearer, error) {
	return ogen.Bearer{Token: "none"}, nil
}

// Password implements ogen.SecuritySource.
func (anyToken) Password(context.Context, ogen.OperationName) (ogen.Password, error) {
	return ogen.Password{}, nil
}

func check(good bool, got ...any) {
	if !good {
		log.Panicf("%+v", got)
	}
}
