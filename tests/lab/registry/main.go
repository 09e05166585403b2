// A registry of OCI artifacts on this machine, as github.com/distribution/distribution serves it: files in a folder,
// one user or everybody. Its own command brings the clients of three clouds along, which nothing here needs.
// With -keys it makes a pair of keyrings instead, to sign charts with.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"golang.org/x/crypto/bcrypt"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "where it listens")
	folder := flag.String("folder", "", "where it keeps what is pushed")
	user := flag.String("user", "", "who may ask, with the password in REGISTRY_PASSWORD; left out, everybody")
	keys := flag.String("keys", "", "make keyrings in this folder, and end")
	flag.Parse()
	if *keys != "" {
		must(makeKeys(*keys))
		return
	}
	settings := &configuration.Configuration{
		Storage: configuration.Storage{"filesystem": {"rootdirectory": filepath.Join(*folder, "data")}},
	}
	settings.HTTP.Secret = "the lab's"
	settings.Log.Level = "warn"
	if *user != "" {
		users := filepath.Join(*folder, "users")
		hash, err := bcrypt.GenerateFromPassword([]byte(os.Getenv("REGISTRY_PASSWORD")), bcrypt.MinCost)
		must(err)
		must(os.WriteFile(users, []byte(*user+":"+string(hash)+"\n"), 0o600))
		settings.Auth = configuration.Auth{"htpasswd": {"realm": "lab", "path": users}}
	}
	app := handlers.NewApp(context.Background(), settings)
	listener, err := net.Listen("tcp", *address)
	must(err)
	must(http.Serve(listener, app))
}

// Writes secret.gpg and public.gpg, as `gpg --export` writes them.
func makeKeys(folder string) error {
	entity, err := openpgp.NewEntity("Chart Keeper", "lab", "keeper@example.com", nil)
	if err != nil {
		return err
	}
	secret, err := os.OpenFile(filepath.Join(folder, "secret.gpg"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer secret.Close()
	if err := entity.SerializePrivate(secret, nil); err != nil {
		return err
	}
	public, err := os.Create(filepath.Join(folder, "public.gpg"))
	if err != nil {
		return err
	}
	defer public.Close()
	return entity.Serialize(public)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
