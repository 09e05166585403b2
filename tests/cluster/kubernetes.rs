//! The cluster itself: its pods run, its doors are closed to whom they should be.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{fresh, kubernetes, lab, until};

fn product_token(folder: &Path) -> String {
    fs::read_to_string(folder.join("product.token")).unwrap()
}

fn deployment(namespace: &str, name: &str) -> String {
    format!(
        r"
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: {name}, namespace: {namespace} }}
spec:
  replicas: 2
  selector: {{ matchLabels: {{ app: {name} }} }}
  template:
    metadata: {{ labels: {{ app: {name} }} }}
    spec: {{ containers: [{{ name: web, image: registry.example.com/web:1 }}] }}
"
    )
}

#[test]
fn the_product_deploys_where_it_may_and_nowhere_else() {
    let lab = lab();
    let kubernetes = kubernetes(&lab);
    let token = product_token(kubernetes.admin_kubeconfig.parent().unwrap());
    let api = kubernetes.by_token(&token).unwrap();
    let name = fresh("web");
    api.apply(&deployment("apps", &name)).unwrap();
    let path = format!("/apis/apps/v1/namespaces/apps/deployments/{name}");
    until("two ready pods", || {
        let seen = api.get(&path).unwrap().unwrap();
        (seen.pointer("/status/readyReplicas") == Some(&Value::from(2))).then_some(())
    });
    let error = api.apply(&deployment("closed", &name)).unwrap_err().to_string();
    assert!(error.contains("status 403"), "{error}");
    let error = api.get("/api/v1/nodes").unwrap_err().to_string();
    assert!(error.contains("status 403"), "{error}");
    api.get("/api/v1/namespaces/kube-system").unwrap().unwrap();
}

#[test]
fn nobody_comes_in_without_credentials() {
    let lab = lab();
    let kubernetes = kubernetes(&lab);
    for token in ["", "admintoken", "k8s-aws-v1.aHR0cHM6Ly8"] {
        let error = kubernetes.by_token(token).unwrap().get("/api").unwrap_err().to_string();
        assert!(error.contains("status 401"), "{error}");
    }
}

#[test]
fn what_opens_doors_is_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let lab = lab();
    let kubernetes = kubernetes(&lab);
    let folder = kubernetes.admin_kubeconfig.parent().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    for file in ["admin.kubeconfig", "product.kubeconfig", "product.token", "eks_tokens.json"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
}
