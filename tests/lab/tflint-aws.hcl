# The network lane of `cargo xtask test`: the rules for AWS beside those of infra/.tflint.hcl, which
# `tflint --init` fetches and checks by their publisher's signature.
config {
  call_module_type = "local"
}

plugin "aws" {
  enabled = true
  version = "0.45.0"
  source  = "github.com/terraform-linters/tflint-ruleset-aws"
}
