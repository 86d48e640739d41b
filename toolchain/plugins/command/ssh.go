package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh"
)

// endpoint is a host and how to sign in there; perDialTimeout is in seconds.
type endpoint struct {
	Host           string    `json:"host"`
	Port           int       `json:"port"`
	User           string    `json:"user"`
	PrivateKey     string    `json:"privateKey"`
	DialErrorLimit int       `json:"dialErrorLimit"`
	PerDialTimeout int       `json:"perDialTimeout"`
	Proxy          *endpoint `json:"proxy"`
}

func (e *endpoint) address() string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

func (e *endpoint) timeout() time.Duration { return time.Duration(e.PerDialTimeout) * time.Second }

// signIn makes an ssh client of a connection to the endpoint. Host keys are not looked at, as with the vendor's plugin
// where none is given.
func (e *endpoint) signIn(connection net.Conn) (*ssh.Client, error) {
	signer, err := ssh.ParsePrivateKey([]byte(e.PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("privateKey: %w", err)
	}
	config := &ssh.ClientConfig{User: e.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}
	inner, channels, requests, err := ssh.NewClientConn(connection, e.address(), config)
	if err != nil {
		_ = connection.Close()
		return nil, err
	}
	return ssh.NewClient(inner, channels, requests), nil
}

// direct is one attempt to reach and sign in to an endpoint without a bastion.
func (e *endpoint) direct(ctx context.Context) (*ssh.Client, error) {
	dialer := net.Dialer{Timeout: e.timeout()}
	connection, err := dialer.DialContext(ctx, "tcp", e.address())
	if err != nil {
		return nil, err
	}
	if e.PerDialTimeout > 0 {
		_ = connection.SetDeadline(time.Now().Add(e.timeout()))
	}
	client, err := e.signIn(connection)
	if err == nil {
		err = connection.SetDeadline(time.Time{})
	}
	return client, err
}

// repeated tries until it succeeds or has failed more often than `limit`, with pauses from 0.1 s to 5 s, as the vendor's
// plugin does.
func repeated[T any](ctx context.Context, what string, limit int, say func(string), attempt func() (T, error)) (T, error) {
	pause := 100 * time.Millisecond
	for failed := 1; ; failed++ {
		reached, err := attempt()
		if err == nil {
			return reached, nil
		}
		if limit >= 0 && failed > limit {
			return reached, fmt.Errorf("after %d failed attempts: %w", limit, err)
		}
		say(fmt.Sprintf("%s %d/%d failed: retrying", what, failed, limit))
		select {
		case <-ctx.Done():
			return reached, ctx.Err()
		case <-time.After(pause):
		}
		pause = min(pause*3/2, 5*time.Second)
	}
}

// dial reaches an endpoint, through its bastion if it has one. The sign-in behind a bastion is tried once, which is what the
// vendor's plugin comes to.
func dial(ctx context.Context, target *endpoint, say func(string)) (*ssh.Client, error) {
	if target.Proxy == nil {
		return repeated(ctx, "Dial", target.DialErrorLimit, say, func() (*ssh.Client, error) { return target.direct(ctx) })
	}
	bastion, err := repeated(ctx, "Dial proxy", target.Proxy.DialErrorLimit, say, func() (*ssh.Client, error) { return target.Proxy.direct(ctx) })
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	connection, err := repeated(ctx, "Dial from proxy", target.DialErrorLimit, say, func() (net.Conn, error) {
		within, cancel := context.WithTimeout(ctx, max(target.timeout(), time.Second))
		defer cancel()
		return bastion.DialContext(within, "tcp", target.address())
	})
	if err == nil {
		var client *ssh.Client
		if client, err = target.signIn(connection); err == nil {
			go func() { _ = client.Wait(); _ = bastion.Close() }()
			return client, nil
		}
	}
	_ = bastion.Close()
	return nil, fmt.Errorf("proxy: %w", err)
}

// output keeps what a line writes to one of its two streams, and shows it line by line. Both streams have one `both`.
type output struct {
	bytes.Buffer
	both  *both
	shown int
	show  func(string)
}

type both struct {
	sync.Mutex
	bytes.Buffer
}

func (o *output) Write(part []byte) (int, error) {
	o.both.Lock()
	defer o.both.Unlock()
	_, _ = o.both.Write(part)
	n, err := o.Buffer.Write(part)
	for end := bytes.IndexByte(o.Bytes()[o.shown:], '\n'); end >= 0; end = bytes.IndexByte(o.Bytes()[o.shown:], '\n') {
		o.flush(o.shown + end)
		o.shown++
	}
	return n, err
}

// flush shows what was not shown yet, up to `end`.
func (o *output) flush(end int) {
	if text := string(o.Bytes()[o.shown:end]); text != "" {
		o.show(text)
	}
	o.shown = end
}

// run signs in and has the login shell there run a line; the two texts are what it wrote.
func (c *commands) run(urn resource.URN, given values, line string) (string, string, error) {
	say := func(severity diag.Severity, text string) { _ = c.host.Log(c.running, severity, urn, text) }
	client, err := dial(c.running, given.Connection, func(text string) { _ = c.host.LogStatus(c.running, diag.Info, urn, text) })
	if err != nil {
		return "", "", err
	}
	defer func() { _ = client.Close() }()
	defer context.AfterFunc(c.running, func() { _ = client.Close() })()
	session, err := client.NewSession()
	if err != nil {
		return "", "", err
	}
	for name, value := range given.Environment {
		if err := session.Setenv(name, value); err != nil {
			return "", "", fmt.Errorf("environment: the server does not let %s in; its sshd needs an AcceptEnv that does (%w)", name, err)
		}
	}
	all := &both{}
	stream := func(shown bool) *output {
		return &output{both: all, show: func(text string) {
			if shown {
				say(diag.Info, text)
			}
		}}
	}
	everything := given.Logging == "" || given.Logging == "stdoutAndStderr"
	stdout, stderr := stream(everything || given.Logging == "stdout"), stream(everything || given.Logging == "stderr")
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(given.Stdin), stdout, stderr
	err = session.Run(line)
	stdout.flush(stdout.Len())
	stderr.flush(stderr.Len())
	if err != nil {
		return "", "", fmt.Errorf("%w: running %q:\n%s", err, line, all.String())
	}
	return stdout.String(), stderr.String(), nil
}
