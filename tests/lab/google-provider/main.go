// A stand-in for the google provider of Terraform, for machines that cannot download the real one.
//
// What it has of the real one: the schemas of some of its resources (schema.json, as "terraform providers schema -json"
// printed them of version 7.45.0), and the way it finds its credentials. What it has not: Google. It plans from the
// schema alone, makes up what Google would have computed, and keeps nothing: what is there is what Terraform's state
// says, but for texts that the lab says somebody changed by hand. It tells the lab what it made and destroyed, so that a
// cluster is there because it was applied. Which argument cannot be changed in place stands in no schema: this one never replaces anything.
package main

import (
	"log"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
)

func main() {
	schemas, err := load()
	if err != nil {
		log.Fatal(err)
	}
	serve := func() tfprotov5.ProviderServer { return &provider{schemas: schemas} }
	if err := tf5server.Serve("registry.terraform.io/hashicorp/google", serve); err != nil {
		log.Fatal(err)
	}
}
