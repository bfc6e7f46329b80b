// Runs a plan with net/http: `plan PLAN`.
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
)

type step struct {
	Method, Path string
	Form, Json   map[string]string
	Headers      map[string]string
}

type plan struct {
	Base  string
	Fresh bool
	H1    bool
	Steps []step
}

func main() {
	text, _ := os.ReadFile(os.Args[1])
	var p plan
	if json.Unmarshal(text, &p) != nil {
		os.Exit(1)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: p.Fresh, ForceAttemptHTTP2: !p.H1}
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Transport: transport, Jar: jar}
	for _, s := range p.Steps {
		var body io.Reader
		kind := ""
		if s.Form != nil {
			values := url.Values{}
			for name, value := range s.Form {
				values.Set(name, value)
			}
			body, kind = bytes.NewReader([]byte(values.Encode())), "application/x-www-form-urlencoded"
		} else if s.Json != nil {
			encoded, _ := json.Marshal(s.Json)
			body, kind = bytes.NewReader(encoded), "application/json"
		}
		request, err := http.NewRequest(s.Method, p.Base+s.Path, body)
		if err != nil {
			continue
		}
		if kind != "" {
			request.Header.Set("Content-Type", kind)
		}
		for name, value := range s.Headers {
			request.Header.Set(name, value)
		}
		answer, err := client.Do(request)
		if err == nil {
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	}
}
