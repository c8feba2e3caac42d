package main

import (
	"bufio"
	"io"
	"strings"
	"sync"
)

// longestLine keeps one event one line for whoever collects the log.
const longestLine = 4096

// journal writes one event a line, and never a secret.
type journal struct {
	mu     sync.Mutex
	out    io.Writer
	secret string
}

func (j *journal) say(text string) { j.write("bastion: " + text) }

// hide names what must not appear from here on.
func (j *journal) hide(secret string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.secret = secret
}

func (j *journal) write(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.secret != "" {
		line = strings.ReplaceAll(line, j.secret, "***")
	}
	line = strings.Join(strings.Fields(line), " ")
	if len(line) > longestLine {
		line = line[:longestLine] + "..."
	}
	_, _ = io.WriteString(j.out, line+"\n")
}

// follow copies what a process says, line by line, until it has no more to say. It returns the last error line.
func (j *journal) follow(source io.Reader) (complaint string) {
	lines := bufio.NewReaderSize(source, 1<<16)
	for {
		line, err := lines.ReadString('\n')
		if text := strings.TrimSpace(line); text != "" {
			j.write("agent: " + text)
			if _, what, found := strings.Cut(text, "ERROR "); found {
				complaint = what
			}
		}
		if err != nil {
			return complaint
		}
	}
}
