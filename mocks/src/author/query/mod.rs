//! The query builder, `/bin/querybuilder.json` (surfaces.md §5.3): predicates, groups, order, and the properties of each hit.
//! A predicate that the mock does not understand is answered with 400, since an empty list would look like a result.

mod hits;
mod order;
mod predicates;

use std::collections::BTreeMap;

use serde_json::json;

use self::hits::Hits;
use self::order::Order;
use self::predicates::Group;
use super::{Author, plain};
use crate::machine::{Form, Response};

/// The results on a page when the query does not say how many.
const USUAL: usize = 10;

/// A query.
struct Query {
    group: Group,
    orders: Vec<Order>,
    hits: Hits,
    /// `None` means no limit.
    limit: Option<usize>,
    offset: usize,
}

/// The parameters of one predicate, by the rest of their names.
type Parameters = BTreeMap<String, String>;

impl Author {
    /// Answers a query, by GET or POST.
    pub(super) fn query_builder(&self, form: &Form) -> Response {
        let query = match Query::read(form) {
            Ok(query) => query,
            Err(problem) => return plain(400, &format!("The mocked query builder cannot answer: {problem}\n")),
        };
        let start = query.group.root().unwrap_or_else(|| "/".to_owned());
        let may_read = |path: &str| self.access.is_administrator(&self.user) || !path.starts_with("/home");
        let mut found: Vec<_> = self
            .repository
            .walk(&start)
            .filter(|(path, node)| path != "/" && may_read(path) && query.group.fits(path, node))
            .collect();
        order::sort(&mut found, &query.orders);
        let total = found.len();
        let page: Vec<_> = found.into_iter().skip(query.offset).take(query.limit.unwrap_or(total)).collect();
        let more = query.offset + page.len() < total;
        let hits: Vec<_> = page.iter().map(|(path, node)| query.hits.show(path, node)).collect();
        Response::json(
            200,
            &json!({
                "success": true, "results": hits.len(), "total": total, "more": more, "offset": query.offset,
                "hits": hits,
            }),
        )
    }
}

impl Query {
    fn read(form: &Form) -> Result<Self, String> {
        let mut parameters = Parameters::new();
        for (name, values) in form.fields.iter().filter(|(name, _)| *name != "_charset_") {
            let [value] = &values[..] else { return Err(format!("`{name}` is given more than once")) };
            parameters.insert(name.clone(), value.clone());
        }
        let mut paging = Parameters::new();
        let mut orders: BTreeMap<String, Parameters> = BTreeMap::new();
        let mut rest = Parameters::new();
        for (name, value) in parameters {
            let (first, part) = name.split_once('.').unwrap_or((&name, ""));
            match kind(first) {
                "p" if !matches!(part, "or" | "not") => drop(paging.insert(part.to_owned(), value)),
                "orderby" => drop(orders.entry(first.to_owned()).or_default().insert(part.to_owned(), value)),
                _ => drop(rest.insert(name, value)),
            }
        }
        let number = |name: &str| {
            paging
                .get(name)
                .map(|value| value.parse::<i64>().map_err(|_| format!("p.{name} is `{value}`, not a number")))
                .transpose()
        };
        let known = ["limit", "offset", "hits", "properties", "nodedepth", "guessTotal"];
        if let Some(unknown) = paging.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("it does not know p.{unknown}, only p.{}", known.join(", p.")));
        }
        let limit = match number("limit")? {
            None => Some(USUAL),
            Some(limit) => usize::try_from(limit).ok().filter(|limit| *limit > 0),
        };
        Ok(Self {
            group: Group::read(rest)?,
            orders: orders.into_values().map(|order| Order::read(&order)).collect::<Result<_, _>>()?,
            hits: Hits::read(&paging, number("nodedepth")?)?,
            limit,
            offset: usize::try_from(number("offset")?.unwrap_or_default()).map_err(|_| "p.offset is negative")?,
        })
    }
}

/// The kind of a predicate, whose name may begin with a number: `1_property` is a `property`.
fn kind(name: &str) -> &str {
    let (number, rest) = name.split_once('_').unwrap_or(("", name));
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) { rest } else { name }
}
