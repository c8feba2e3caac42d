package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Set by the linker in tests; no environment variable can change what is run. The two durations are together below the
// task definition's stopTimeout of 30 s, or ECS kills us before AWS was told.
var (
	agentPath      = "/usr/bin/amazon-ssm-agent"
	stateDir       = "/var/lib/amazon/ssm"
	agentGrace     = "12s"
	farewellBudget = "8s"
)

// duration is for the constants above. Zero would end things at once, which every test of them notices.
func duration(text string) time.Duration {
	parsed, _ := time.ParseDuration(text)
	return parsed
}

// agentEnvironment is all that the agent, and so every session, sees of the container's: no activation, no path to the task
// role's credentials.
var agentEnvironment = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"}

// process is an agent that runs.
type process struct {
	command *exec.Cmd
	// ended is closed when the process has; complaint and err may be read then.
	ended     chan struct{}
	complaint string
	err       error
}

func startAgent(j *journal, args ...string) (*process, error) {
	command := exec.Command(agentPath, args...)
	command.Env = agentEnvironment
	// A group of its own, so that none of its workers outlives it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = write, write
	if err := command.Start(); err != nil {
		_ = read.Close()
		_ = write.Close()
		return nil, fmt.Errorf("%s does not start: %w", agentPath, err)
	}
	_ = write.Close()
	p := &process{command: command, ended: make(chan struct{})}
	go p.watch(j, read)
	return p, nil
}

func (p *process) watch(j *journal, output io.ReadCloser) {
	said := make(chan string, 1)
	go func() { said <- j.follow(output) }()
	p.err = p.command.Wait()
	// Workers of an agent that is gone would hold the pipe, and sessions, open.
	p.signalAll(syscall.SIGKILL)
	select {
	case p.complaint = <-said:
	case <-time.After(time.Second):
	}
	_ = output.Close()
	close(p.ended)
}

func (p *process) signalAll(signal syscall.Signal) {
	_ = syscall.Kill(-p.command.Process.Pid, signal)
}

// stop asks the agent first, which tells its workers; what has not ended within grace is killed.
func (p *process) stop(grace time.Duration) (killed bool) {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return false
	case <-time.After(grace):
		p.signalAll(syscall.SIGKILL)
		<-p.ended
		return true
	}
}

// how tells how the process ended, in words.
func (p *process) how() string {
	if p.err == nil {
		return "exit code 0"
	}
	return p.err.Error()
}

// register gives the id of the node that this container became.
//
// The agent takes the code from its command line and from nowhere else: no variable, no file, no standard input, and its
// setup tool passes the code on the same way. So the code is in the argv of this one process for the second or two that it
// lives. Nobody can look then: sessions come only after it, and a task for HybridActivation has no ECS Exec.
func register(ctx context.Context, j *journal, region string, given activation, disturb <-chan struct{}) (string, error) {
	_ = os.Remove(registrationFile())
	agent, err := startAgent(j, "-register", "-y", "-region", region, "-id", given.ID, "-code", given.Code)
	if err != nil {
		return "", err
	}
	select {
	case <-agent.ended:
	case <-disturb:
		agent.stop(disturbedGrace)
	case <-ctx.Done():
		agent.stop(disturbedGrace)
		if id, err := registered(); err == nil {
			return id, nil
		}
		return "", fmt.Errorf("no answer within %s", registrationBudget)
	}
	id, err := registered()
	if err == nil {
		return id, nil
	}
	if agent.complaint != "" {
		return "", fmt.Errorf("%s", agent.complaint)
	}
	return "", fmt.Errorf("the agent's registration ended with %s", agent.how())
}

func registrationFile() string { return filepath.Join(stateDir, "registration") }

// registered reads what the agent keeps about itself.
func registered() (string, error) {
	text, err := os.ReadFile(registrationFile())
	if err != nil {
		return "", err
	}
	var node struct{ ManagedInstanceID string }
	if err := json.Unmarshal(text, &node); err != nil {
		return "", err
	}
	if node.ManagedInstanceID == "" {
		return "", fmt.Errorf("%s names no node", registrationFile())
	}
	return node.ManagedInstanceID, nil
}
