//! `kube-client KUBECONFIG CONTEXT PATH`: asks the API server for a path and prints the answer. All that has to do with kubeconfigs,
//! programs that give tokens, and TLS is the crate's own.

use kube::config::{KubeConfigOptions, Kubeconfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(file), Some(context), Some(path)) = (words.next(), words.next(), words.next()) else {
        return Err("three arguments: a kubeconfig, a context, a path of the API".into());
    };
    let kubeconfig = Kubeconfig::read_from(file)?;
    let options = KubeConfigOptions { context: Some(context), ..KubeConfigOptions::default() };
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    let client = kube::Client::try_from(config)?;
    println!("{}", client.request_text(http::Request::get(path).body(Vec::new())?).await?);
    Ok(())
}
