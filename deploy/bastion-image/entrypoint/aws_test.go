package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSignsAsAwsDoes(t *testing.T) {
	request, _ := http.NewRequest(http.MethodPost, "https://ssm.us-east-1.amazonaws.com/", nil)
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AmazonSSM.DeleteActivation")
	creds := credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Token: "session"}
	sign(request, []byte("{}"), creds, "us-east-1", time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
	// Made once with the signer of the AWS SDK for JavaScript.
	want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ssm/aws4_request, " +
		"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=41db34b0b3b8c8c120a4b7f9bfca7824cdf0f6bac3973dd3b51bdb13fde5d70c"
	if got := request.Header.Get("Authorization"); got != want {
		t.Errorf("Authorization = %s", got)
	}
}

func TestFindsTheCredentialsOfAnEcsTask(t *testing.T) {
	variables := map[string]string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"}
	c := newSsmClient("eu-central-1", func(name string) string { return variables[name] })
	if c.credentialsURL != "http://169.254.170.2/v2/credentials/1" {
		t.Errorf("credentialsURL = %s", c.credentialsURL)
	}
	if c.endpoint != "https://ssm.eu-central-1.amazonaws.com" {
		t.Errorf("endpoint = %s", c.endpoint)
	}
}

// answering gives each answer once, the last one for ever.
func answering(t *testing.T, answers ...string) (client *ssmClient, asked *int) {
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"AccessKeyId":"AKID","SecretAccessKey":"secret","Token":"t"}`))
			return
		}
		answer := answers[min(*asked, len(answers)-1)]
		*asked++
		if strings.Contains(answer, "__type") {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return &ssmClient{http: server.Client(), endpoint: server.URL, region: "eu-central-1",
		credentialsURL: server.URL + "/credentials", firstPause: time.Millisecond}, asked
}

func TestAsksAgainWhenThrottledAndWhileTheRoleIsYoung(t *testing.T) {
	client, asked := answering(t,
		`{"__type":"ThrottlingException","message":"Rate exceeded"}`,
		`{"__type":"com.amazonaws#ValidationException","message":"Nonexistent role or missing ssm service principal"}`,
		`{"ActivationId":"a-1"}`)
	var made struct{ ActivationId string }
	if err := client.call(context.Background(), "CreateActivation", struct{}{}, &made); err != nil {
		t.Fatal(err)
	}
	if made.ActivationId != "a-1" || *asked != 3 {
		t.Errorf("made %s after %d calls", made.ActivationId, *asked)
	}
}

func TestAsksOnceWhenRefused(t *testing.T) {
	client, asked := answering(t, `{"__type":"AccessDeniedException","Message":"not authorized"}`)
	err := client.call(context.Background(), "CreateActivation", struct{}{}, new(struct{}))
	if err == nil || err.Error() != "AccessDeniedException: not authorized" || *asked != 1 {
		t.Errorf("%v after %d calls", err, *asked)
	}
}

func TestGivesUpAtItsDeadlineWithWhatStoodInTheWay(t *testing.T) {
	client, _ := answering(t, "{}")
	client.endpoint = "http://127.0.0.1:1"
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := client.call(ctx, "DeleteActivation", struct{}{}, new(struct{}))
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("err = %v", err)
	}
}
