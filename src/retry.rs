//! Repeats a step that failed because something else changed at the same time.

/// The result of one attempt at a step that may have to start again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt<T> {
    /// The step is done, with this result.
    Done(T),
    /// The step must start again: the data changed after the step had read it.
    Retry,
}

/// Runs a step again and again until it is done, at most `rounds` times. Returns `None` if every
/// attempt returned [`Attempt::Retry`]. There is no pause between attempts, because each attempt
/// reads the new state.
///
/// # Errors
/// Returns the error of the first attempt that fails. The step is not run again after an error.
pub async fn retry<T, E, F>(rounds: usize, mut attempt: impl FnMut() -> F) -> Result<Option<T>, E>
where
    F: Future<Output = Result<Attempt<T>, E>>,
{
    for _ in 0..rounds {
        if let Attempt::Done(done) = attempt().await? {
            return Ok(Some(done));
        }
    }
    Ok(None)
}
