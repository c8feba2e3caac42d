package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// credentialHost is where ECS hands out a task role's credentials.
const credentialHost = "http://169.254.170.2"

const maxAnswer = 1 << 20

type credentials struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
}

// awsError is a refusal by AWS itself; asking again gives the same answer unless it is transient.
type awsError struct {
	code      string
	message   string
	transient bool
}

func (e *awsError) Error() string { return e.code + ": " + e.message }

// ssmClient speaks to Systems Manager with the task role. Three calls do not justify an SDK of many megabytes.
type ssmClient struct {
	http           *http.Client
	endpoint       string
	region         string
	credentialsURL string
	// firstPause doubles with each attempt.
	firstPause time.Duration
}

var errNoRole = errors.New("the task has no role")

// newSsmClient reads the variables that the SDKs read too.
func newSsmClient(region string, lookup func(string) string) *ssmClient {
	c := &ssmClient{
		http:       &http.Client{Timeout: 10 * time.Second},
		endpoint:   lookup("AWS_ENDPOINT_URL_SSM"),
		region:     region,
		firstPause: time.Second,
	}
	if c.endpoint == "" {
		c.endpoint = "https://ssm." + region + ".amazonaws.com"
	}
	if path := lookup("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		c.credentialsURL = credentialHost + path
	} else {
		c.credentialsURL = lookup("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	}
	return c
}

// call asks until AWS answers or ctx ends. What is refused for good is not asked again.
func (c *ssmClient) call(ctx context.Context, operation string, input, output any) error {
	body, err := json.Marshal(input)
	if err != nil {
		return err
	}
	for pause := c.firstPause; ; pause *= 2 {
		err = c.try(ctx, operation, body, output)
		var refusal *awsError
		if err == nil || errors.Is(err, errNoRole) || errors.As(err, &refusal) && !refusal.transient {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func (c *ssmClient) try(ctx context.Context, operation string, body []byte, output any) error {
	creds, err := c.credentials(ctx)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AmazonSSM."+operation)
	sign(request, body, creds, c.region, time.Now())
	answer, status, err := c.send(request)
	if err != nil {
		return fmt.Errorf("ssm:%s: %w", operation, err)
	}
	if status == http.StatusOK {
		return json.Unmarshal(answer, output)
	}
	return refusalOf(status, answer)
}

func (c *ssmClient) credentials(ctx context.Context) (creds credentials, err error) {
	if c.credentialsURL == "" {
		return creds, errNoRole
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.credentialsURL, nil)
	if err != nil {
		return creds, err
	}
	answer, status, err := c.send(request)
	if err != nil {
		return creds, fmt.Errorf("the task's credentials: %w", err)
	}
	if status != http.StatusOK || json.Unmarshal(answer, &creds) != nil || creds.AccessKeyID == "" {
		return creds, fmt.Errorf("the task's credentials: answer %d without credentials", status)
	}
	return creds, nil
}

func (c *ssmClient) send(request *http.Request) ([]byte, int, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, 0, plain(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return answer, response.StatusCode, err
}

// plain takes off the address, which for credentials holds the task's secret path.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func refusalOf(status int, answer []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	_ = json.Unmarshal(answer, &said)
	code := said.Type[strings.LastIndex(said.Type, "#")+1:]
	if code == "" {
		code = fmt.Sprintf("HTTP %d", status)
	}
	message := said.Message
	if message == "" {
		message = said.Upper
	}
	// A role that was just made is unknown to Systems Manager for a while.
	young := code == "ValidationException" && strings.Contains(strings.ToLower(message), "role")
	transient := status >= 500 || status == http.StatusTooManyRequests || strings.Contains(code, "Throttl") || young
	return &awsError{code: code, message: message, transient: transient}
}

// sign adds an AWS Signature Version 4 to a request without a query.
func sign(request *http.Request, body []byte, creds credentials, region string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	request.Header.Set("X-Amz-Date", stamp)
	names := []string{"content-type", "host", "x-amz-date", "x-amz-target"}
	if creds.Token != "" {
		request.Header.Set("X-Amz-Security-Token", creds.Token)
		names = []string{"content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"}
	}
	var headers strings.Builder
	for _, name := range names {
		value := request.Header.Get(name)
		if name == "host" {
			value = request.URL.Host
		}
		headers.WriteString(name + ":" + value + "\n")
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{request.Method, "/", "", headers.String(), signed, hash(body)}, "\n")
	scope := stamp[:8] + "/" + region + "/ssm/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hash([]byte(canonical))
	key := []byte("AWS4" + creds.SecretAccessKey)
	for _, part := range []string{stamp[:8], region, "ssm", "aws4_request", text} {
		key = seal(key, part)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+creds.AccessKeyID+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(key))
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func seal(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
