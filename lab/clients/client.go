// Go's net/http, as programs use it: `go run client.go BASE`.
package main

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
)

func main() {
	base := os.Args[1]
	jar, _ := cookiejar.New(nil)
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	http.DefaultTransport.(*http.Transport).ForceAttemptHTTP2 = false
	client := &http.Client{Jar: jar}
	do := func(response *http.Response, err error) {
		if err == nil {
			response.Body.Close()
		}
	}
	for _, path := range []string{"/page", "/linked", "/again", "/image.png", "/redirect"} {
		do(client.Get(base + path))
	}
	do(client.PostForm(base+"/form", url.Values{"a": {"1"}}))
	do(client.Post(base+"/json", "application/json", bytes.NewBufferString("{}")))
	do(client.Head(base + "/head"))
	request, _ := http.NewRequest("GET", base+"/api", nil)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", "Bearer x")
	do(client.Do(request))
	plain := &http.Transport{DisableCompression: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	do((&http.Client{Transport: plain}).Get(base + "/bare"))
}
