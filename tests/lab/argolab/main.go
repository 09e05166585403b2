// Argolab is the lab's Argo CD in one program: its first argument names the part to be, the rest are that part's own
// flags. The part `redis` is for machines that have no Redis server: an in-memory one, which forgets when it ends.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	repository "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	server "github.com/argoproj/argo-cd/v3/cmd/argocd-server/commands"
	"github.com/spf13/cobra"
)

func main() {
	command := part()
	if command == nil {
		fmt.Fprintln(os.Stderr, "the first argument is server, repo-server, controller or redis")
		os.Exit(2)
	}
	command.SetArgs(os.Args[2:])
	if command.Execute() != nil {
		os.Exit(1) // cobra has said why
	}
}

func part() *cobra.Command {
	if len(os.Args) < 2 {
		return nil
	}
	switch os.Args[1] {
	case "server":
		return server.NewCommand()
	case "repo-server":
		return repository.NewCommand()
	case "controller":
		return controller.NewCommand()
	case "redis":
		return redis()
	}
	return nil
}

func redis() *cobra.Command {
	command := &cobra.Command{Use: "redis", Short: "an in-memory Redis", Args: cobra.NoArgs}
	address := command.Flags().String("address", "127.0.0.1:0", "where to listen")
	password := command.Flags().String("password-file", "", "file with the password that clients give")
	command.RunE = func(*cobra.Command, []string) error { return serveRedis(*address, *password) }
	return command
}

func serveRedis(address, passwordFile string) error {
	store := miniredis.NewMiniRedis()
	if passwordFile != "" {
		password, err := os.ReadFile(passwordFile)
		if err != nil {
			return err
		}
		store.RequireAuth(string(password))
	}
	if err := store.StartAddr(address); err != nil {
		return err
	}
	defer store.Close()
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// Its clock stands still unless it is told: without this no key would ever expire.
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ended.Done():
			return nil
		case <-second.C:
			store.FastForward(time.Second)
		}
	}
}
