package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	_, err := a.get(ctx, "projects/"+a.project)
	return err
}

// What somebody changed by hand: texts by attribute. The lab tells it; Google would tell the whole resource.
func (a *asked) byHand(ctx context.Context, kind, name string) (map[string]string, error) {
	body, err := a.get(ctx, "by-hand/"+a.project+"/"+kind+"/"+url.PathEscape(name))
	if err != nil {
		return nil, err
	}
	changed := map[string]string{}
	return changed, json.Unmarshal(body, &changed)
}

// Tells the lab what came of a resource, as it would be seen at Google. The lab keeps it; a cluster comes and goes by it.
func (a *asked) tell(ctx context.Context, kind, id string, gone bool, is map[string]string) error {
	body, err := json.Marshal(map[string]any{"type": kind, "id": id, "gone": gone, "is": is})
	if err != nil {
		return err
	}
	_, err = a.call(ctx, http.MethodPost, "made/"+a.project, body)
	return err
}

func (a *asked) get(ctx context.Context, path string) ([]byte, error) {
	return a.call(ctx, http.MethodGet, path, nil)
}

func (a *asked) call(ctx context.Context, method, path string, given []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.base, "/")+"/"+path, bytes.NewReader(given))
	if err != nil {
		return nil, err
	}
	answer, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64*1024))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("googleapi: Error %d: %s", answer.StatusCode, body)
	}
	return body, nil
}
