//! The cells of the wire matrix that need not be an error, with the reason for each.

use crate::verdict::Verdict;

/// Cells that are rightly something else than an error.
pub(super) struct Exception {
    at: At,
    fault: &'static str,
    verdict: Verdict,
    pub(super) why: &'static str,
}

/// Where such cells are.
enum At {
    /// At this step.
    Step(&'static str),
    /// At requests to this endpoint, which no step asks first.
    Surface(&'static str),
    /// Wherever the status of the answer with the fault is 400 or more.
    Refusal,
}

impl Exception {
    /// The exception that applies to a cell, if any; `status` is that of the answer with the fault.
    pub(super) fn of(
        step: &str,
        surface: Option<&str>,
        fault: &str,
        verdict: Verdict,
        status: Option<u16>,
    ) -> Option<&'static Self> {
        let is = |it: &&Self| {
            let there = match it.at {
                At::Step(sentence) => step == sentence,
                At::Surface(id) => surface == Some(id),
                At::Refusal => status.is_some_and(|status| status >= 400),
            };
            there && (it.fault, it.verdict) == (fault, verdict)
        };
        EXCEPTIONS.iter().find(is)
    }
}

/// All exceptions. Each was reviewed: the answer is what was requested, or HTTP cannot reveal the fault.
const EXCEPTIONS: &[Exception] = &[
    except(
        At::Step("I open the Author's login page"),
        "login-page",
        Verdict::Passed,
        "the login page is what was asked for",
    ),
    except(
        At::Step("I may open each of these:"),
        "login-page",
        Verdict::Failed,
        "the login page is how AEM denies a page, and whether it is denied is what is asked",
    ),
    except(At::Step(TENANT), "html-page", Verdict::Passed, ANY_PAGE),
    except(At::Step(TENANT), "login-page", Verdict::Passed, ANY_PAGE),
    except(
        At::Step("I ask for the replication agents below a context path that does not exist"),
        "redirect-loop",
        Verdict::Passed,
        "a wrong address must be reported clearly, and a redirect is",
    ),
    except(
        At::Refusal,
        "over-long-body",
        Verdict::Passed,
        "to HTTP it is a whole answer, and of one that is 400 or more the status alone was asked for",
    ),
    except(At::Step("I delete it"), "over-long-body", Verdict::Passed, LOOKED_AT_LATER),
    except(At::Surface("author.cloud-create"), "over-long-body", Verdict::Passed, LOOKED_AT_LATER),
    except(At::Surface("author.node-delete"), "over-long-body", Verdict::Passed, LOOKED_AT_LATER),
    except(At::Surface("author.certificate-create"), "over-long-body", Verdict::Passed, LOOKED_AT_LATER),
    except(
        At::Step("I read the end of the Author's error log"),
        "over-long-body",
        Verdict::Passed,
        "to HTTP it is a whole answer, and no log says where it ends",
    ),
    except(
        At::Step("the Author still has the asset"),
        "over-long-body",
        Verdict::Passed,
        "to HTTP it is a whole answer; half of a file is another file, so it is read again, and then it is the file",
    ),
];

const TENANT: &str = "the tenant answers at it";
const ANY_PAGE: &str = "no page of the tenant's is known: any page shows that something answers there";
const LOOKED_AT_LATER: &str = "to HTTP it is a whole answer, a text; whether it was done is looked at afterwards";

const fn except(at: At, fault: &'static str, verdict: Verdict, why: &'static str) -> Exception {
    Exception { at, fault, verdict, why }
}
