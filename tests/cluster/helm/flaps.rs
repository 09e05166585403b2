//! An API server that comes and goes while helm waits.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::known::{by_kubeconfig_at, token_file};
use crate::harness::{kubernetes, lab, node_for, until};

/// A way to the API server that can be cut. TLS goes through it untouched.
struct Way {
    url: String,
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
    sent_away: Arc<AtomicUsize>,
}

impl Way {
    fn to(endpoint: &str) -> Self {
        let far = endpoint.strip_prefix("https://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let sent_away = Arc::new(AtomicUsize::new(0));
        let (known, count) = (Arc::clone(&open), Arc::clone(&sent_away));
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let mut known = known.lock().unwrap();
                // While it is cut, whoever comes is sent away at once.
                let Some(streams) = known.as_mut() else {
                    count.fetch_add(1, Ordering::SeqCst);
                    continue;
                };
                let far = TcpStream::connect(&far).unwrap();
                for (mut from, mut to) in [
                    (near.try_clone().unwrap(), far.try_clone().unwrap()),
                    (far.try_clone().unwrap(), near.try_clone().unwrap()),
                ] {
                    thread::spawn(move || {
                        drop(std::io::copy(&mut from, &mut to));
                        drop(to.shutdown(Shutdown::Both));
                    });
                }
                streams.extend([near, far]);
            }
        });
        Self { url, open, sent_away }
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().take().unwrap_or_default() {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    fn mend(&self) {
        *self.open.lock().unwrap() = Some(Vec::new());
    }
}

#[test]
fn fault_46_an_api_server_that_flaps_loses_no_status() {
    let lab = lab();
    let way = Way::to(&kubernetes(&lab).endpoint);
    let user = format!("{{ tokenFile: '{}' }}", token_file(&lab).display());
    let project = by_kubeconfig_at(&way.url, &user, "");
    project.waits_for_a_node();
    let (id, _) = project.hanging();
    until("a pod that waits", || {
        let path = format!("/apis/apps/v1/namespaces/apps/deployments/{}", project.release);
        kubernetes(&lab).as_admin().unwrap().get(&path).unwrap()
    });
    for _ in 0..3 {
        way.cut();
        // Longer than one of helm's own tries.
        thread::sleep(Duration::from_secs(2));
        way.mend();
        thread::sleep(Duration::from_secs(1));
    }
    node_for(&lab, &project.release);
    let ended = project.end(&id);
    assert!(way.sent_away.load(Ordering::SeqCst) > 0, "nobody noticed that it was cut");
    assert_eq!(ended.text("/status"), "succeeded", "{:#}", ended.value);
    let status = project.status();
    assert_eq!(status["releases"][0]["status"], "deployed", "{status}");
    assert_eq!(status["releases"][0]["revision"], 1, "{status}");
    assert!(status["objects"].to_string().contains("1 of 1 ready"), "{status}");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}
