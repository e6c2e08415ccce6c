package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const updaters = 32

// TestNoUpdateIsLost has clients read a number in one task, add one, and write it
// back if the task is unchanged. The number must be the count of the writes that
// succeeded, and the answers must be linearizable.
func TestNoUpdateIsLost(t *testing.T) {
	alongside(t)
	databases := map[string]func(t testing.TB) string{"sqlite": func(testing.TB) string { return defaultDatabase }}
	maps.Copy(databases, postgresDatabases)
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, t.TempDir(), database(t))
			s.Start(t)
			c := newClient(t, s.URL, 1)
			a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "0"}`)
			var made task
			if err == nil {
				err = a.decode(&made)
			}
			if err != nil {
				t.Fatal(err)
			}
			history, succeeded := raceUpdates(t, s.URL, made)
			var end task
			c.get(t, taskPath("u", made.ID), &end)
			s.Stop(t)
			if end.Title != strconv.Itoa(succeeded) || succeeded == 0 {
				t.Errorf("%d writes succeeded, and the number is %s", succeeded, end.Title)
			}
			t.Logf("%d operations, of which %d changed the number", len(history), succeeded)
			if !linearizable(history) {
				t.Error("no order of the operations explains the answers")
			}
		})
	}
}

// raceUpdates returns the operations of all clients, and how many updates
// succeeded. The first updates conflict for certain: no client writes before all
// have read.
func raceUpdates(t *testing.T, url string, made task) (history []porcupine.Operation, succeeded int) {
	path := taskPath("u", made.ID)
	begin := time.Now()
	var mu sync.Mutex
	var wait, read sync.WaitGroup
	read.Add(updaters)
	for n := range updaters {
		c := newClient(t, url, 1)
		do := func(in update, method, body string, headers ...string) (out update, err error) {
			start := time.Since(begin)
			a, err := c.do(t.Context(), method, path, body, headers...)
			end := time.Since(begin)
			if err != nil {
				return out, err
			}
			out.status = a.Status
			var got task
			switch a.Status {
			case http.StatusOK:
				if err = a.decode(&got); err != nil {
					return out, err
				}
				out.version = got.Version
				out.number, err = strconv.Atoi(got.Title)
			case http.StatusPreconditionFailed:
			default:
				err = fmt.Errorf("%d %s", a.Status, a.Body)
			}
			mu.Lock()
			defer mu.Unlock()
			history = append(history, porcupine.Operation{ClientId: n, Input: in, Call: int64(start), Output: out, Return: int64(end)})
			if in.version > 0 && a.Status == http.StatusOK {
				succeeded++
			}
			return out, err
		}
		wait.Go(func() {
			for round := range long(10, 100) {
				seen, err := do(update{}, http.MethodGet, "")
				if round == 0 {
					read.Done()
					read.Wait()
				}
				if err == nil {
					next := seen.number + 1
					_, err = do(update{version: seen.version, number: next}, http.MethodPut, fmt.Sprintf(`{"title": "%d"}`, next), fmt.Sprintf(`If-Match: "%d"`, seen.version))
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	return history, succeeded
}

// update is an operation on the task, or its answer. Without a version it is a
// read. With one it sets the number if the task has that version.
type update struct {
	status  int
	version int64
	number  int
}

// versioned is the sequential specification of the task.
var versioned = porcupine.Model{
	Init: func() any { return update{version: 1} },
	Step: func(state, input, output any) (bool, any) {
		is, in, out := state.(update), input.(update), output.(update)
		switch {
		case in.version == 0:
			return out.version == is.version && out.number == is.number, state
		case out.status == http.StatusPreconditionFailed:
			return in.version != is.version, state
		}
		return in.version == is.version && out.version > is.version && out.number == in.number, update{version: out.version, number: in.number}
	},
	Equal: func(a, b any) bool { return a == b },
}

// linearizable reports whether an order of the operations explains their answers.
// An update comes after all reads of an older version. Adding this to the history
// beforehand makes the search short.
func linearizable(history []porcupine.Operation) bool {
	history = slices.Clone(history)
	for i, o := range history {
		in, out := o.Input.(update), o.Output.(update)
		if in.version == 0 || out.status != http.StatusOK {
			continue
		}
		for _, other := range history {
			if read := other.Output.(update); other.Input.(update).version == 0 && read.version < out.version {
				o.Call = max(o.Call, other.Call+1)
			}
		}
		if history[i].Call = o.Call; o.Call > o.Return {
			return false
		}
	}
	return porcupine.CheckOperations(versioned, history)
}

// TestLostUpdateIsNoticed shows that the specification can be violated.
func TestLostUpdateIsNoticed(t *testing.T) {
	read := func(at int64, version int64, number int) porcupine.Operation {
		return porcupine.Operation{Input: update{}, Call: at, Output: update{200, version, number}, Return: at + 1}
	}
	write := func(at int64, status int, from, to int64, number int) porcupine.Operation {
		return porcupine.Operation{Input: update{version: from, number: number}, Call: at, Output: update{status, to, number}, Return: at + 1}
	}
	for name, test := range map[string]struct {
		history []porcupine.Operation
		want    bool
	}{
		"one after the other": {[]porcupine.Operation{read(0, 1, 0), write(2, 200, 1, 2, 1), write(4, 412, 1, 0, 1), read(6, 2, 1)}, true},
		"both succeed":        {[]porcupine.Operation{write(0, 200, 1, 2, 1), write(2, 200, 1, 3, 1)}, false},
		"neither succeeds":    {[]porcupine.Operation{write(0, 412, 1, 0, 1)}, false},
		"an old read":         {[]porcupine.Operation{write(0, 200, 1, 2, 1), read(2, 1, 0)}, false},
	} {
		if got := linearizable(test.history); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
