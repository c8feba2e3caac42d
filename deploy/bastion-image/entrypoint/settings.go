package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	ecsExec          = "EcsExec"
	hybridActivation = "HybridActivation"
)

// settings is what the container is told by its environment (deploy/README.md).
type settings struct {
	transport    string
	region       string
	owner        string
	deadlineText string
	deadline     time.Time
	// activatedAt is zero when unknown. No true clock can be before it.
	activatedAt time.Time
	// handed is the activation given as a secret. With none, the container makes one as wish says.
	handed *activation
	wish   activationWish
}

type activation struct {
	ID   string `json:"id"`
	Code string `json:"code"`
}

type activationWish struct {
	role string
	name string
	tags map[string]string
}

func readSettings(lookup func(string) string) (settings, error) {
	s := settings{
		transport:    lookup("BASTION_TRANSPORT"),
		region:       lookup("BASTION_REGION"),
		owner:        lookup("BASTION_OWNER"),
		deadlineText: lookup("BASTION_DEADLINE"),
	}
	if s.owner == "" {
		s.owner = "nobody"
	}
	for _, name := range []string{"BASTION_TRANSPORT", "BASTION_REGION", "BASTION_DEADLINE"} {
		if lookup(name) == "" {
			return s, fmt.Errorf("%s is not set: the controller sets it, see deploy/README.md", name)
		}
	}
	if s.transport != ecsExec && s.transport != hybridActivation {
		return s, fmt.Errorf("BASTION_TRANSPORT is %q: it must be %s or %s", s.transport, ecsExec, hybridActivation)
	}
	var err error
	if s.deadline, err = time.Parse(time.RFC3339, s.deadlineText); err != nil {
		return s, fmt.Errorf("BASTION_DEADLINE is no RFC 3339 time: %s", s.deadlineText)
	}
	// Only sharpens the dead-man timer, so one that cannot be read is as good as none.
	s.activatedAt, _ = time.Parse(time.RFC3339, lookup("BASTION_ACTIVATED_AT"))
	if s.transport == hybridActivation {
		err = s.readActivation(lookup)
	}
	return s, err
}

// readActivation never repeats in an error what the secret holds.
func (s *settings) readActivation(lookup func(string) string) error {
	if secret := lookup("BASTION_ACTIVATION"); secret != "" {
		var handed activation
		if json.Unmarshal([]byte(secret), &handed) != nil || handed.ID == "" || handed.Code == "" {
			return errors.New(`BASTION_ACTIVATION must be JSON with "id" and "code"`)
		}
		s.handed = &handed
		return nil
	}
	role := lookup("BASTION_SSM_ROLE")
	if role == "" {
		return errors.New("neither BASTION_ACTIVATION nor BASTION_SSM_ROLE is set")
	}
	s.wish = activationWish{
		// Systems Manager puts the account's ARN before it, path and all.
		role: withoutArn(role),
		name: lookup("BASTION_ACTIVATION_NAME"),
	}
	if tags := lookup("BASTION_ACTIVATION_TAGS"); tags != "" {
		if json.Unmarshal([]byte(tags), &s.wish.tags) != nil {
			return errors.New("BASTION_ACTIVATION_TAGS must be a JSON object of texts")
		}
	}
	return nil
}

func withoutArn(role string) string {
	if _, name, found := strings.Cut(role, ":role/"); found {
		return name
	}
	return role
}
