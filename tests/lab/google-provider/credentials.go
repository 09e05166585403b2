package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

const scope = "https://www.googleapis.com/auth/cloud-platform"

// Whom the provider asks with its credentials, and about which project.
type asked struct {
	client  *http.Client
	base    string
	project string
	region  string
	zone    string
}

// The first of these variables that is set.
func first(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// Credentials as the real provider finds them: what its configuration or its variables name, else application default
// credentials. The client renews its token when it has ended.
func source(ctx context.Context, token string) (oauth2.TokenSource, error) {
	if token == "" {
		token = os.Getenv("GOOGLE_OAUTH_ACCESS_TOKEN")
	}
	if token != "" {
		return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}), nil
	}
	if given := first("GOOGLE_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON"); given != "" {
		return nil, errors.New("credentials in a variable: the stand-in takes application default credentials only")
	}
	found, err := google.FindDefaultCredentials(ctx, scope)
	if err != nil {
		return nil, err
	}
	return found.TokenSource, nil
}

// Asks who knows the tokens of the lab for the project: Resource Manager, as the real provider does for the data source.
func (a *asked) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(a.base, "/")+"/projects/"+a.project, nil)
	if err != nil {
		return err
	}
	answer, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 4096))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("googleapi: Error %d: %s", answer.StatusCode, body)
	}
	return nil
}
