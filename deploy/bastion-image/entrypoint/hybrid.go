package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// The role may be minutes old, and IAM takes its time (aws-facts 7).
	activationBudget   = 2 * time.Minute
	registrationBudget = 2 * time.Minute
	// Only the registration that follows needs it.
	activationLife = 15 * time.Minute
	disturbedGrace = 3 * time.Second
)

// hybrid is the life of a container that is a managed node. Whatever it made, it removes.
type hybrid struct {
	settings settings
	journal  *journal
	ssm      *ssmClient
	// own is the id of an activation that this container made.
	own string
	// node is the id that it registered under.
	node string
}

func (h *hybrid) run(end *ending) int {
	defer h.farewell()
	given, err := h.activation(end)
	if err == nil {
		h.journal.hide(given.Code)
		ctx, cancel := context.WithTimeout(context.Background(), registrationBudget)
		h.node, err = register(ctx, h.journal, h.settings.region, given, end.come)
		cancel()
	}
	if end.hasCome() {
		return end.tell(h.journal)
	}
	if err != nil {
		h.journal.say("cannot register with Systems Manager: " + err.Error() + h.hint())
		return exitNotRegistered
	}
	h.journal.say("registered as " + h.node)
	return h.serve(end)
}

func (h *hybrid) serve(end *ending) int {
	agent, err := startAgent(h.journal)
	if err != nil {
		h.journal.say(err.Error())
		return exitAgentEnded
	}
	select {
	case <-end.come:
		code := end.tell(h.journal)
		if agent.stop(duration(agentGrace)) {
			h.journal.say(fmt.Sprintf("the agent did not end within %s and was killed", agentGrace))
		}
		return code
	case <-agent.ended:
		// Even with exit code 0: the agent catches its own panics and then ends as if all were well.
		h.journal.say("the agent ended by itself with " + agent.how() + ": without it nobody can connect, exiting")
		return exitAgentEnded
	}
}

// activation is the one handed over, or one made with the task's role.
func (h *hybrid) activation(end *ending) (activation, error) {
	if h.settings.handed != nil {
		return *h.settings.handed, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), activationBudget)
	defer cancel()
	go func() {
		select {
		case <-end.come:
			cancel()
		case <-ctx.Done():
		}
	}()
	wish := h.settings.wish
	tags := []map[string]string{}
	for key, value := range wish.tags {
		tags = append(tags, map[string]string{"Key": key, "Value": value})
	}
	var made struct{ ActivationId, ActivationCode string }
	err := h.ssm.call(ctx, "CreateActivation", map[string]any{
		"IamRole":             wish.role,
		"DefaultInstanceName": wish.name,
		"Description":         "Bastion " + h.settings.owner + ", made by its own task",
		"RegistrationLimit":   1,
		"ExpirationDate":      time.Now().Add(activationLife).Unix(),
		"Tags":                tags,
	}, &made)
	if err != nil {
		return activation{}, err
	}
	h.own = made.ActivationId
	h.journal.say("made activation " + h.own)
	return activation{ID: made.ActivationId, Code: made.ActivationCode}, nil
}

// farewell removes what only this container knows for sure to be over. It is best effort: the controller removes the same
// by tag, and the node's own identity may not deregister it. Only a task role may, where it was given that permission.
func (h *hybrid) farewell() {
	ctx, cancel := context.WithTimeout(context.Background(), duration(farewellBudget))
	defer cancel()
	var nothing struct{}
	if h.own != "" {
		err := h.ssm.call(ctx, "DeleteActivation", map[string]string{"ActivationId": h.own}, &nothing)
		h.tell(err, "deleted activation "+h.own, "activation "+h.own+" is not deleted")
	}
	if h.node != "" {
		err := h.ssm.call(ctx, "DeregisterManagedInstance", map[string]string{"InstanceId": h.node}, &nothing)
		h.tell(err, "deregistered "+h.node, h.node+" is not deregistered")
	}
}

func (h *hybrid) tell(err error, done, failed string) {
	refusal := &awsError{}
	errors.As(err, &refusal)
	switch {
	// The controller may have been here first.
	case err == nil, refusal.code == "InvalidActivation", refusal.code == "InvalidInstanceId":
		h.journal.say(done)
	case errors.Is(err, errNoRole), refusal.code == "AccessDeniedException":
		h.journal.say(failed + " by this container, which may not: the controller does it")
	default:
		h.journal.say(failed + ", the controller will do it: " + err.Error())
	}
}

func (h *hybrid) hint() string {
	if os.Geteuid() == 0 {
		return ""
	}
	return " (this container does not run as root, which the agent needs: set user 0 in the task definition)"
}
