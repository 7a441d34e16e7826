//! Reads a list that a store returns page by page. To request the next page, the program sends the
//! token that came with the page before.

use std::future::Future;

use futures::stream::{self, Stream};

/// The next page to read, or the end of the list.
enum NextPage<T> {
    /// The page that begins at this token. `None` means the first page.
    From(Option<T>),
    /// There is no next page: the last page was read.
    End,
}

/// Reads the pages of a list one after the other. Reads a page only when the stream is polled.
/// `read_page` gets the token of a page, or `None` for the first page. It returns the page and the
/// token of the next page. A page without a next token is the last one. `start` is the token of the
/// first page to read.
///
/// # Errors
/// If a page cannot be read, the last element of the stream is an error.
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

    /// Returns one page of a list of three pages. If `broken` is `true`, page 2 cannot be read.
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
