package pgtest

import (
	"strings"
	"testing"
)

type runnerFunc func() int

func (f runnerFunc) Run() int { return f() }

func TestSharingLastsAsLongAsTheRun(t *testing.T) {
	t.Parallel()
	var s sharing
	if _, err := s.get(); err == nil {
		t.Fatal("get starts a cluster before run, which would stop it")
	}
	var server *process
	code := s.run(runnerFunc(func() int {
		one, err := s.get()
		if err != nil {
			t.Error(err)
			return 1
		}
		if two, err := s.get(); two != one || err != nil {
			t.Errorf("another cluster: %v", err)
		}
		server = one.server
		return 3
	}))
	if code != 3 {
		t.Errorf("code %d, want 3", code)
	}
	select {
	case <-server.done:
	default:
		t.Error("the server still runs after run")
	}
}

func TestStartSaysWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	_, err := start(Options{Settings: map[string]string{"nonsense": "1"}})
	if err == nil || !strings.Contains(err.Error(), `unrecognized configuration parameter "nonsense"`) {
		t.Errorf("started with an unknown setting: %v", err)
	} else {
		t.Log(err)
	}
}
