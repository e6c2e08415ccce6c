package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sample is the result of one run of a load.
type sample struct {
	Rate   float64 // requests per second
	P50    float64 // ms
	P99    float64 // ms
	Errors int
	cpu    float64 // CPU time of the server per second of the run
}

// process is a server under measurement.
type process struct {
	url string
	cmd *exec.Cmd
}

// start starts a command that logs its address to stderr as docket does.
func start(b *testing.B, cmd *exec.Cmd) *process {
	b.Helper()
	reader, writer, err := os.Pipe()
	must(b, err)
	cmd.Stderr = writer
	must(b, cmd.Start())
	must(b, writer.Close())
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // ends with the signal's error
		_ = reader.Close()
	})
	address := make(chan string, 1)
	go func() {
		found := regexp.MustCompile(`"address":"([^"]+)"`)
		var seen bytes.Buffer
		buffer := make([]byte, 4096)
		for sent := false; ; {
			n, err := reader.Read(buffer)
			if err != nil {
				return
			}
			if seen.Write(buffer[:n]); !sent {
				if m := found.FindSubmatch(seen.Bytes()); m != nil {
					address <- string(m[1])
					sent = true
				}
			}
		}
	}()
	select {
	case url := <-address:
		return &process{url, cmd}
	case <-time.After(time.Minute):
		b.Fatal("the server did not start within a minute")
		return nil
	}
}

// buildDocket builds the binary with the flags of a release.
func buildDocket(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "docket")
	build := exec.CommandContext(b.Context(), "go", "build", "-tags=grpcnotrace", "-trimpath", "-ldflags=-s -w", "-o", path, "../cmd/docket")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}

func startDocket(b *testing.B, binary, database string, env ...string) *process {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), binary, "serve")
	cmd.Dir = b.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + database, "PORT=0", "DRAIN_DELAY=0s", "LOG_LEVEL=info"}, env...)
	return start(b, cmd)
}

// serveConstant is the variable that makes the test binary a server that answers
// every request with the variable's value, over net/http alone.
const serveConstant = "BENCH_CONSTANT"

func constant(answer string) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(os.Stderr, "{\"address\":\"http://%s\"}\n", listener.Addr())
	body := []byte(answer)
	panic((&http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // fails only when the client has disconnected
	})}).Serve(listener))
}

func startConstant(b *testing.B, answer string) *process {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = []string{serveConstant + "=" + answer}
	return start(b, cmd)
}

// wrk runs a workload against the server on this number of connections.
func (p *process) wrk(b *testing.B, d dataset, workload string, connections, seconds int, tokens ...string) sample {
	b.Helper()
	before := p.cpu(b)
	args := append([]string{"-t2", "-c" + strconv.Itoa(connections), fmt.Sprintf("-d%ds", seconds), "-s", "tasks.lua", p.url, "--", workload, strconv.Itoa(int(d))}, tokens...)
	out, err := exec.CommandContext(b.Context(), "wrk", args...).CombinedOutput()
	line := out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:]
	var s sample
	if err != nil || json.Unmarshal(line, &s) != nil {
		b.Fatalf("wrk: %v\n%s", err, out)
	}
	s.cpu = (p.cpu(b) - before) / float64(seconds)
	return s
}

// cpu returns the CPU time of the server in seconds.
func (p *process) cpu(b *testing.B) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	must(b, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	must(b, err)
	system, err := strconv.Atoi(fields[12])
	must(b, err)
	return float64(user+system) / 100
}

// memory returns the peak resident memory of the server in MiB.
func (p *process) memory(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	must(b, err)
	kB, err := strconv.Atoi(string(regexp.MustCompile(`VmHWM:\s*(\d+)`).FindSubmatch(status)[1]))
	must(b, err)
	return kB >> 10
}

func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // not in PATH on Debian
	if len(found) == 0 {
		return name
	}
	return slices.Max(found)
}

var pgbenchRate = regexp.MustCompile(`tps = ([\d.]+)`)

func parsePgbench(b *testing.B, out []byte) sample {
	b.Helper()
	m := pgbenchRate.FindSubmatch(out)
	if m == nil {
		b.Fatalf("pgbench printed\n%s", out)
	}
	rate, err := strconv.ParseFloat(string(m[1]), 64)
	must(b, err)
	return sample{Rate: rate}
}

// fetch returns the body of a successful GET.
func fetch(b *testing.B, url string) string {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	must(b, err)
	response, err := http.DefaultClient.Do(request)
	must(b, err)
	defer func() { must(b, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	must(b, err)
	if response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d %s", url, response.StatusCode, body)
	}
	return string(body)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
