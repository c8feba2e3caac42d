// Command entrypoint is process 1, or the child of ECS's init, in a Bastion's container: it becomes reachable the way it is
// told to, and ends when it is told to, when its time is up or when it is of no use any more.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

// Exit codes, of those that sysexits.h names.
const (
	exitDone          = 0
	exitNotRegistered = 69
	exitAgentEnded    = 70
	exitBadSettings   = 78
)

func main() { os.Exit(run()) }

func run() int {
	// Before anything else: a signal that nobody waits for is lost when we are process 1.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	j := &journal{out: os.Stdout}
	settings, err := readSettings(os.Getenv)
	ssm := newSsmClient(settings.region, os.Getenv)
	// Nothing that is started from here on inherits a secret, or the way to one.
	os.Clearenv()
	if err != nil {
		j.say(err.Error())
		return exitBadSettings
	}
	j.say("started for " + settings.owner + " in " + settings.region + ", transport " + settings.transport)
	j.say("ends by itself at " + settings.deadlineText + " at the latest")
	end := watch(signals, deadMan(settings.activatedAt, settings.deadline), settings.deadlineText)
	if settings.transport == hybridActivation {
		h := &hybrid{settings: settings, journal: j, ssm: ssm}
		return h.run(end)
	}
	// ECS brings its Exec agent and runs it beside us: there is nothing to do but to stay.
	j.say("waiting for sessions through ECS Exec")
	<-end.come
	return end.tell(j)
}

// ending is why the container has to end, once it has to.
type ending struct {
	come chan struct{}
	why  string
}

func watch(signals <-chan os.Signal, due <-chan struct{}, deadline string) *ending {
	end := &ending{come: make(chan struct{})}
	go func() {
		select {
		case got := <-signals:
			end.why = "SIGTERM: ending sessions, exiting"
			if got == syscall.SIGINT {
				end.why = "SIGINT: ending sessions, exiting"
			}
		case <-due:
			end.why = "the deadline " + deadline + " has come, exiting"
		}
		close(end.come)
	}()
	return end
}

func (e *ending) hasCome() bool {
	select {
	case <-e.come:
		return true
	default:
		return false
	}
}

// tell is for an end that has come.
func (e *ending) tell(j *journal) int {
	j.say(e.why)
	return exitDone
}
