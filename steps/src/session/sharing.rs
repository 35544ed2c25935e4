//! Reads that several conversations of a run share.

use std::time::{Instant, SystemTime};

use bpconform_fixtures::System;
use bpconform_fixtures::surfaces::Class;

use crate::call::{Body, Call, Reuse};
use crate::evidence::Exchange;
use crate::problem::Checked;
use crate::reads::{Answer, Answering, COMPARED, Question};
use crate::reply::Reply;
use crate::sending::{Sending, since_1970};
use crate::session::{Session, lock};

impl Session {
    /// Whether the answer to an equal read, sent by this conversation or another one of the run, answers this one.
    pub(super) fn may_share(&self, call: &Call) -> bool {
        let surface = self.surface(&call.surface);
        let is_read = surface.class == Class::Read && matches!(surface.method.as_str(), "GET" | "HEAD");
        let is_real = surface.system != System::Control && !self.run.is_mock(surface.system);
        let has_fields_only = matches!(call.body, Body::Fields | Body::FieldsInQuery);
        self.run.reads.is_on()
            && !self.undoing
            && is_read
            && is_real
            && has_fields_only
            && !call.confidential
            && call.reuse != Reuse::Never
    }

    /// Sends a read unless an equal one was sent, and keeps as evidence which one that was.
    pub(super) async fn share(&self, call: Call) -> Checked<Reply> {
        let surface = self.surface(&call.surface);
        self.permit(surface, &call)?;
        let answering = Answering::of(surface);
        let times = if call.reuse == Reuse::Compared { COMPARED } else { 1 };
        let question = Question { attempt: self.attempt, call: Call { reuse: Reuse::default(), ..call.clone() } };
        let asked_us = i64::try_from(since_1970(SystemTime::now())).unwrap_or(i64::MAX);
        let asked = Instant::now();
        let read = self.run.reads.of(answering, question.clone(), times);
        let mut is_first = false;
        let send = async {
            is_first = true;
            // In a box: most questions were answered before.
            Box::pin(self.answer(&call, read.number)).await
        };
        let answer = read.answer.get_or_init(|| send).await;
        if is_first {
            self.run.reads.judge(answering, &question, &read);
        } else if let Some(exchange) = &answer.exchange {
            let took_us = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
            let exchange = Exchange { started_us: asked_us, took_us, shared: true, ..exchange.clone() };
            lock(&self.exchanges).push(exchange);
        }
        answer.outcome.clone()
    }

    /// Sends a read that others may refer to.
    async fn answer(&self, call: &Call, number: u32) -> Answer {
        let (run, stack, credentials) = (&*self.run, &self.stack, &self.credentials);
        let sending = Sending { run, stack, credentials, surface: self.surface(&call.surface), call };
        let prepared = match sending.prepare() {
            Ok(prepared) => prepared,
            Err(problem) => return Answer { outcome: Err(problem), exchange: None },
        };
        let (outcome, exchange) = self.exchange(sending, prepared, Some(number)).await;
        Answer { outcome, exchange }
    }
}
