//! How far the models of this folder are checked (`make loom`).

/// Runs a model in every order that preempts threads at most three times. The bound keeps all of them within half a minute.
pub fn with_three_preemptions(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}
