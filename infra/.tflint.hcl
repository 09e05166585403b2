# Rules of the ruleset that is built into tflint; the AWS ruleset is added in the GitHub workflow,
# where it can be downloaded.
config {
  call_module_type = "local"
}

plugin "terraform" {
  enabled = true
  preset  = "all"
}

# One descriptive file per entity instead of everything in main.tf.
rule "terraform_standard_module_structure" {
  enabled = false
}

rule "terraform_naming_convention" {
  enabled = true
  format  = "snake_case"
}
