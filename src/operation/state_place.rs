//! Whether the state of an environment is still where it was when it was last changed. A setting that names another
//! place would show an empty or a foreign state, and a plan that makes everything once more. Not about the state's
//! content: lineage and serial are bound to the plan.

use super::{Scene, World};
use crate::error::{Error, ErrorCode, Result};
use crate::model::Environment;

/// The key of what is kept: `aws/dev/default`.
pub(super) fn place(environment: &Environment, workspace: &str) -> String {
    format!("{}/{workspace}", environment.key)
}

/// Refuses when settings name another place than the last change used.
pub(super) async fn same(scene: &Scene<'_>) -> Result<()> {
    let (environment, workspace) = (&scene.environment, &scene.job.workspace);
    match moved(scene.world, environment, workspace).await? {
        Some(was) => Err(refuse(environment, workspace, &was)),
        None => Ok(()),
    }
}

/// Where the state was, when settings name another place now.
pub(super) async fn moved(
    world: &World,
    environment: &Environment,
    workspace: &str,
) -> Result<Option<String>> {
    let kept = world.plans.kept_backend(&place(environment, workspace)).await?;
    Ok(kept.filter(|was| *was != environment.backend.identity()))
}

/// Keeps where the state is. Before the change: if its end is lost, the state is there all the same.
pub(super) async fn keep(scene: &Scene<'_>) -> Result<()> {
    let place = place(&scene.environment, &scene.job.workspace);
    scene.world.plans.keep_backend(&place, &scene.environment.backend.identity()).await
}

fn refuse(environment: &Environment, workspace: &str, was: &str) -> Error {
    let key = &environment.key;
    let is = environment.backend.identity();
    let by_hand = format!(
        "datamcp move-state --cloud {} --env {} --workspace {workspace}",
        key.cloud.word(),
        key.name
    );
    Error::new(
        ErrorCode::InvalidRequest,
        format!(
            "looking for the state of {key}: settings say {is}, the last change left it in {was}"
        ),
    )
    .field(format!("environments.{}.{}.state", key.cloud.word(), key.name))
    .given(is)
    .allowed(was)
    .next(format!(
        "put the setting back; or a person copies the state there with terraform, looks at it, and says so with `{by_hand}` on a terminal"
    ))
}
