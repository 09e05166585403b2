//! The stand-in for Terraform's google provider: a program of our own.

use super::{Extras, Module};

pub(in crate::tools) const GOOGLE_PROVIDER: Module = Module {
    name: "google-provider",
    path: "github.com/hashicorp/terraform-plugin-go",
    package: ".",
    go_mod: include_str!("../../../../tests/lab/google-provider/go.mod"),
    go_sum: include_str!("../../../../tests/lab/google-provider/go.sum"),
    about: "about 30 s",
};
pub(in crate::tools) const GOOGLE_PROVIDER_EXTRAS: Extras = Extras {
    main_go: include_str!("../../../../tests/lab/google-provider/main.go"),
    files: &[
        ("credentials.go", include_str!("../../../../tests/lab/google-provider/credentials.go")),
        ("made_up.go", include_str!("../../../../tests/lab/google-provider/made_up.go")),
        ("provider.go", include_str!("../../../../tests/lab/google-provider/provider.go")),
        ("schema.go", include_str!("../../../../tests/lab/google-provider/schema.go")),
        ("schema.json", include_str!("../../../../tests/lab/google-provider/schema.json")),
    ],
    variables: "",
    share: &[],
};
