//! Reads a list that a store returns page by page.

use std::future::Future;

use futures::stream::{self, Stream};

/// The next step of a reader of pages.
enum NextPage<T> {
    /// Read the page that begins at the token, or the first page without one.
    From(Option<T>),
    /// The last page was read.
    End,
}

/// Reads pages one after the other, when the stream is polled. `read_page` gets the token that the
/// page begins at, and returns the page and the token of the next one. A page without a next token
/// is the last one. The first page begins at `start`.
///
/// # Errors
/// An item is an error if a page cannot be read. It is the last item.
pub fn read_pages<T, P, E, F>(
    start: Option<T>,
    mut read_page: impl FnMut(Option<T>) -> F,
) -> impl Stream<Item = Result<P, E>>
where
    F: Future<Output = Result<(P, Option<T>), E>>,
{
    stream::try_unfold(NextPage::From(start), move |next| {
        let page = match next {
            NextPage::From(token) => Some(read_page(token)),
            NextPage::End => None,
        };
        async move {
            let Some(page) = page else { return Ok(None) };
            let (page, token) = page.await?;
            let next = match token {
                Some(token) => NextPage::From(Some(token)),
                None => NextPage::End,
            };
            Ok(Some((page, next)))
        }
    })
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    /// Returns the page of a list of three pages. The page 2 cannot be read if `broken` is set.
    async fn read_page(token: Option<u32>, broken: bool) -> Result<(u32, Option<u32>), String> {
        let number = token.unwrap_or(1);
        if broken && number == 2 {
            return Err("page 2".to_owned());
        }
        Ok((number, (number < 3).then_some(number + 1)))
    }

    #[tokio::test]
    async fn pages_are_read_to_the_last() {
        for (start, expected) in [(None, vec![1, 2, 3]), (Some(3), vec![3])] {
            let pages = read_pages(start, |token| read_page(token, false));
            assert_eq!(pages.try_collect::<Vec<_>>().await, Ok(expected));
        }
    }

    #[tokio::test]
    async fn no_page_follows_an_error() {
        let mut pages = Box::pin(read_pages(None, |token| read_page(token, true)));
        assert_eq!(pages.try_next().await, Ok(Some(1)));
        assert_eq!(pages.try_next().await, Err("page 2".to_owned()));
        assert_eq!(pages.try_next().await, Ok(None));
    }
}
