//! `bpconform run`: checks a target, and returns its record and the exit code. A target in a container is started first,
//! and stopped at the end, also after a failure.

mod confirm;
pub(crate) mod flags;
mod gate;
mod login;

use std::collections::{BTreeSet, HashSet};
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Instant;

use bpconform_fixtures::Allow;
use bpconform_mocks::author::seed;
use bpconform_steps::credentials::Credentials;
use bpconform_steps::page_files::PageFiles;
use bpconform_steps::run::Settings;
use bpconform_steps::stack::Stack;
use bpconform_steps::wire::{Connection, Limits};
use jiff::Timestamp;
use url::Url;

use crate::cli::CommonArgs;
use crate::cli::browser::{BrowserArgs, LoginKind, ViaKind};
use crate::cli::container::ContainerArgs;
use crate::cli::hybrid::HybridArgs;
use crate::cli::run::{RunArgs, RunFlags};
use crate::cli::select::SelectArgs;
use crate::cli::target::{TargetArgs, TargetKind};
use crate::compare::baseline::Baseline;
use crate::container::{self, StartRequest};
use crate::error::Error;
use crate::exit::Exit;
use crate::features::USUAL_AUTHOR;
use crate::inputs::{features, selection, surfaces};
use crate::learn::learned_from_pages;
use crate::mocked::{defects_named, variations_named};
use crate::observer::Observer;
use crate::output::Output;
use crate::publish;
use crate::reach::{Reach, SettingSources};
use crate::record::{Record, RunOutcome};
use crate::record_file;
use crate::report::ReportRequest;
use crate::report::style::Styles;
use crate::report::terminal::{Detail, Terminal};
use crate::run::options::{JOBS_ON_MOCKS, JOBS_WITHOUT_CHANGES, Options};
use crate::run::rerun::Rerun;
use crate::run::target::Target;
use crate::run::undo::JOURNAL;
use crate::run::via::Via;
use crate::verdict::Verdict;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct RunRequest<'a> {
    /// What is checked.
    pub target: &'a TargetArgs,
    /// Which systems are mocks.
    pub hybrid: &'a HybridArgs,
    /// Which scenarios.
    pub select: &'a SelectArgs,
    /// How the run goes.
    pub how: &'a RunFlags,
    /// What is known not to pass.
    pub expected: Option<&'a Baseline>,
    /// What is common to all commands.
    pub common: &'a CommonArgs,
    /// Where settings and credentials come from.
    pub place: SettingSources<'a>,
    /// The output.
    pub output: &'a Output,
    /// When the process began.
    pub began: Instant,
}

/// Checks a target.
pub async fn command(
    run: &RunArgs,
    common: &CommonArgs,
    place: SettingSources<'_>,
    output: &Output,
    began: Instant,
) -> Result<Exit, Error> {
    flags::check(run, place.configured)?;
    let output = &output.with_data_on_stdout(run.how.reports.iter().any(ReportRequest::is_stdout));
    let hybrid = hybrid(run);
    let expected = run.how.baseline.as_deref().map(Baseline::read).transpose()?;
    let asked = request(run, &hybrid, common, place, output, began);
    let asked = RunRequest { expected: expected.as_ref(), ..asked };
    if run.how.dry_run {
        return asked.dry(run).await;
    }
    let record = asked.check(run, true).await?;
    publish::publish(&record, &run.how.reports, output)?;
    // The first run of a new user checks the mocks. In a pipeline this hint would only be noise.
    let is_asked_for = run.target.target != TargetKind::Mock || place.configured.is_given("target");
    if !is_asked_for && std::io::stderr().is_terminal() {
        output.err("these were the embedded mocks; `bpconform init` prepares the check of a real Author\n");
    }
    Ok(expected.map_or(record.outcome.exit(), |expected| publish::compare_with_baseline(&record, &expected, output)))
}

/// Checks the target of one environment of a fleet, and returns its record. It prints nothing: the fleet reports the result.
pub async fn environment(
    run: &RunArgs,
    common: &CommonArgs,
    place: SettingSources<'_>,
    output: &Output,
) -> Result<Record, Error> {
    flags::check(run, place.configured)?;
    let hybrid = hybrid(run);
    let record = request(run, &hybrid, common, place, output, Instant::now()).check(run, false).await?;
    publish::write_reports(&record, &run.how.reports, output)?;
    Ok(record)
}

fn hybrid(run: &RunArgs) -> HybridArgs {
    let contained = run.target.target == TargetKind::Container;
    if contained { run.hybrid.advertised_as(container::THIS_MACHINE) } else { run.hybrid.clone() }
}

fn request<'a>(
    run: &'a RunArgs,
    hybrid: &'a HybridArgs,
    common: &'a CommonArgs,
    place: SettingSources<'a>,
    output: &'a Output,
    began: Instant,
) -> RunRequest<'a> {
    RunRequest {
        target: &run.target,
        hybrid,
        select: &run.select,
        how: &run.how,
        expected: None,
        common,
        place,
        output,
        began,
    }
}

fn image(run: &RunArgs) -> Result<&str, Error> {
    run.container.author_image.as_deref().ok_or_else(|| {
        let advice = "use --author-image IMAGE or set BPCONFORM_AUTHOR_IMAGE; AEM has no public image".to_owned();
        Error::Missing { what: "image of the Author", advice }
    })
}

impl RunRequest<'_> {
    /// Brings the target up where it is a container, and checks it. `asks` says whether somebody may be asked.
    async fn check(self, run: &RunArgs, asks: bool) -> Result<Record, Error> {
        let out = self.how.out.as_deref();
        if run.target.target == TargetKind::Container {
            return self.contained(image(run)?, &run.container.start, None, out).await;
        }
        let (target, connection) =
            if self.is_manual() { self.logged_in(asks).await? } else { target(self.target, self.place, self.output)? };
        if asks {
            confirm::replacement(&target, self.how, self.output)?;
        }
        self.record(target, connection, out).await
    }

    /// Whether a person logs in at the Author.
    fn is_manual(self) -> bool {
        self.target.target == TargetKind::Author && self.how.browser.login == LoginKind::Manual
    }

    fn without_login(self) -> Result<Reach, Error> {
        Reach::without_credentials(self.target, self.place, self.output)
    }

    /// The Author, after a person has logged in there. `asks` says whether somebody may be asked.
    async fn logged_in(self, asks: bool) -> Result<(Target, Connection), Error> {
        if !asks {
            let problem = "--login manual cannot be used for a fleet: a window for each Author would open; check this Author alone";
            return Err(Error::Usage(problem.into()));
        }
        let reach = self.without_login()?;
        // Invalid options are reported before anybody logs in.
        let out = self.how.out.as_deref();
        self.options(Target::Author(reach.stack.clone(), Credentials::default()), reach.connection.clone(), out)?;
        features(self.select)?;
        let surfaces = surfaces(self.select.surfaces.as_deref())?;
        let credentials = login::log_in(&self.how.browser, &reach, surfaces, self.target, self.output).await?;
        Ok((Target::Author(reach.stack, credentials), reach.connection))
    }

    /// Prints the plan as far as it can be made without asking the target.
    async fn dry(self, run: &RunArgs) -> Result<Exit, Error> {
        let (target, connection) = if run.target.target == TargetKind::Container {
            let image = container::local_image(image(run)?).await?;
            (stand_in(image.is_some_and(|image| image.is_mocks))?, Connection::default())
        } else if self.is_manual() {
            // A plan needs no login.
            let Reach { stack, credentials, connection } = self.without_login()?;
            (Target::Author(stack, credentials), connection)
        } else {
            target(&run.target, self.place, self.output)?
        };
        let (options, features) = (self.options(target, connection, None)?, features(self.select)?);
        crate::run::refuse_another(&options, &features)?;
        self.output.print_for_people(&self.terminal().plan(&options.dry_plan(&features)));
        Ok(Exit::Green)
    }

    /// Starts an Author in a container, checks it, and ends it.
    pub async fn contained(
        self,
        image: &str,
        args: &ContainerArgs,
        kept: Option<&container::KeptVolumes>,
        out: Option<&Path>,
    ) -> Result<Record, Error> {
        // Invalid options are reported before anything is started.
        self.options(stand_in(false)?, Connection::default(), out)?;
        features(self.select)?;
        let (surfaces, hosts) = (surfaces(self.select.surfaces.as_deref())?, self.hybrid.hosts()?);
        let (target, place, quiet) = (self.target, self.place, self.common.quiet);
        let wanted = StartRequest { image, args, target, place, surfaces: &surfaces, hosts: &hosts, out, quiet };
        let running = container::start(wanted, kept, self.output).await?;
        let target = Target::Container(running.contained.clone());
        let record = self.record(target, running.connection.clone(), out).await;
        let kept_nothing = match kept {
            Some(kept) => running.kept_nothing(kept).await,
            None => Ok(false),
        };
        let errors = |record: &Record| record.summary.scenarios.get(&Verdict::Error).copied().unwrap_or_default();
        let may_be_ending = record.as_ref().map_or(true, |record| errors(record) > 0);
        let left = running.end(out, may_be_ending, self.output).await?;
        for left in &left {
            self.output.err(&format!("warning: left behind: {left}; `bpconform clean --containers` removes it\n"));
        }
        let mut record = record?;
        if kept_nothing? {
            let problem =
                "it left nothing in what the new Author is to take over; name the directory of its repository \
                with --keep PATH, for example --keep /opt/aem/crx-quickstart"
                    .to_owned();
            return Err(Error::Container { image: image.to_owned(), problem });
        }
        if !left.is_empty() {
            record.outcome = RunOutcome::LeftSomething;
        }
        Ok(record)
    }

    /// Checks a target that is there.
    async fn record(self, target: Target, connection: Connection, out: Option<&Path>) -> Result<Record, Error> {
        let (mut options, features) = (self.options(target, connection, out)?, features(self.select)?);
        let (output, terminal) = (self.output, self.terminal());
        if !features.cases.iter().any(|case| options.selection.takes(case)) {
            output.err("no scenario is selected by --tags, --name and --requirement; `bpconform list` shows all\n");
        }
        if let (Some(out), Some(earlier)) = (out, &self.how.rerun)
            && record_file::is_same_place(out, earlier)
        {
            let problem =
                "--rerun and --out name the same directory: the earlier record would be lost; name another --out";
            return Err(Error::Usage(problem.into()));
        }
        if self.how.rerun.is_some() && !options.connection.headers.is_empty() {
            let problem = "--rerun: headers of a gateway may choose another Author, and no record holds their values; run \
                everything again";
            return Err(Error::Usage(problem.into()));
        }
        // A rerun that is refused leaves the earlier record as it is.
        crate::run::refuse_another(&options, &features)?;
        out.map_or(Ok(()), record_file::clear)?;
        self.how.reports.iter().try_for_each(ReportRequest::make_room)?;
        match &options.via {
            Via::Browser(choice) if !choice.sandboxed => {
                output.err("note: root runs Chromium without its sandbox; it opens only pages of this machine\n");
            }
            Via::NoBrowser(why) => output.err(&format!("warning: no browser is used: {why}\n")),
            Via::Http | Via::Browser(_) => {}
        }
        let own_mocks = self.hybrid.begin(&mut options, output).await?;
        let observer = Observer::new(output.clone(), terminal.clone(), out);
        let record = crate::run::run(&options, &features, observer.clone()).await?;
        drop(own_mocks);
        let record = record.masked_with_pictures(&output.redactor);
        if let (Some(out), Some(rerun)) = (out, &options.rerun) {
            rerun.copy_pictures(&record, out)?;
        }
        let plain = record.clone().without_exchanges().plain();
        observer.finish(&record, &plain)?;
        // A file that cannot be written must not keep pictures that were to be removed.
        self.learn(&options)?;
        output.print_for_people(&terminal.end(&plain));
        Ok(record)
    }

    /// Writes what the pages of the Author sent, if that is wanted.
    fn learn(self, options: &Options) -> Result<(), Error> {
        let (Some(file), Via::Browser(choice)) = (&self.how.browser.learn, &options.via) else { return Ok(()) };
        let learned = learned_from_pages(&choice.sent.all());
        self.output.err(&learned.of_pages());
        if learned.surfaces.is_empty() {
            return Ok(());
        }
        // Not through the output's gate: what is learned was searched for secrets, and a mask would make it useless.
        std::fs::write(file, learned.text()?).map_err(|source| Error::Write { file: file.clone(), source })?;
        self.output.err(&format!("written: {}; use it with --surfaces {}\n", file.display(), file.display()));
        Ok(())
    }

    /// Where pictures of pages are kept: beside the record, or in memory for reports that show them.
    fn page_files(self, out: Option<&Path>) -> PageFiles {
        match out {
            Some(out) => PageFiles::beside(out),
            None if self.how.reports.iter().any(|wanted| wanted.format.shows_pictures()) => PageFiles::in_memory(),
            None => PageFiles::default(),
        }
    }

    fn accepted(self) -> HashSet<String> {
        let profile = self.place.configured.profile.as_ref();
        self.expected.map(|expected| expected.accepted(profile, Timestamp::now())).unwrap_or_default()
    }

    fn terminal(self) -> Terminal {
        let detail = match (self.common.quiet, self.common.verbose) {
            (true, _) => Detail::Quiet,
            (false, 0) => Detail::Usual,
            (false, 1) => Detail::Verbose,
            (false, _) => Detail::Requests,
        };
        Terminal::new(Styles::for_stdout(self.common.color), detail)
    }

    fn options(self, target: Target, connection: Connection, out: Option<&Path>) -> Result<Options, Error> {
        let (embedded, mocked) = (matches!(target, Target::Mock), target.is_mocked());
        if self.target.target != TargetKind::Mock && self.how.jitter.is_some() {
            return Err(Error::Usage("--jitter is for the embedded mocks; without --target they are checked".into()));
        }
        if self.target.target != TargetKind::Mock && !self.how.defects.is_empty() {
            return Err(Error::Usage(
                "--defect is for the embedded mocks; without --target they are checked. The mocks of a container take \
                --container-env BPCONFORM_MOCK_DEFECTS=ID"
                    .into(),
            ));
        }
        if self.target.target != TargetKind::Mock && !self.how.variations.is_empty() {
            return Err(Error::Usage(
                "--variation is for the embedded mocks; leave out --target, or use --container-env \
                BPCONFORM_MOCK_VARIATIONS=ID for the mocks of a container"
                    .into(),
            ));
        }
        let variations = variations_named(&self.how.variations)?;
        let allow = self.target.allow.unwrap_or(if mocked { Allow::Change } else { Allow::Observe });
        changes_need_care(self.how, mocked, allow)?;
        let via = via(&self.how.browser, &target, self.page_files(out))?;
        let mocks = if mocked { BTreeSet::new() } else { self.hybrid.mocks()? };
        let usual_jobs = match (embedded, mocked, allow) {
            (true, _, _) => JOBS_ON_MOCKS,
            // One stack, which begins again for each scenario.
            (_, true, _) | (_, _, Allow::Change) => 1,
            _ if !mocks.is_empty() => 1,
            _ => JOBS_WITHOUT_CHANGES,
        };
        let jobs = self.how.jobs.map_or(usual_jobs, usize::from);
        if mocked && !embedded && jobs > 1 {
            return Err(Error::Usage("the mocks of a container are one stack: leave --jobs out".into()));
        }
        if jobs > 1 && !mocks.is_empty() {
            return Err(Error::Usage(
                "--jobs: requests that arrive at a mock are assigned to scenarios by their time only, so the scenarios run one \
                after another; leave it out"
                    .into(),
            ));
        }
        let of_variation = || variations.iter().find_map(|variation| variation.latest_service_pack.clone());
        let of_mocks = self.target.product.0.unwrap_or_default();
        let of_seed = || mocked.then(|| seed::version_of(of_mocks, USUAL_AUTHOR)).flatten();
        let mut latest_service_packs = self.target.latest_service_pack.clone();
        if latest_service_packs.is_empty() {
            latest_service_packs.extend(of_variation().or_else(of_seed));
        }
        Ok(Options {
            began: self.began,
            target,
            allow,
            product: self.target.product.0,
            selection: selection(self.select)?,
            is_alone: !self.output.is_captured(),
            jobs,
            // One scenario after another is a run that shares nothing: for comparison, and for a target that is doubted.
            shares_reads: jobs > 1,
            retries: usize::from(self.how.retry),
            strict: self.how.strict,
            accepted: self.accepted(),
            max_failures: self.how.max_failures.map(usize::from).or(self.how.fail_fast.then_some(1)),
            rerun: self.how.rerun.as_deref().map(Rerun::read).transpose()?,
            gate: gate::record(&self.how.gate)?,
            timeout: self.how.timeout,
            connection,
            settings: Settings {
                latest_service_packs,
                state_dir: self.how.state.directory(),
                log_age: self.target.log_age,
                ..Settings::default()
            },
            surfaces: surfaces(self.select.surfaces.as_deref())?,
            redactor: self.output.redactor.clone(),
            mocks,
            defects: defects_named(&self.how.defects)?,
            variations,
            jitter: self.how.jitter,
            shard: self.how.shard,
            name: self.place.configured.profile.clone(),
            replace: self.how.replace_configuration,
            via,
            journal: self.how.journal.clone().or_else(|| Some(out?.join(JOURNAL))),
        })
    }
}

/// How actions are done. A browser is for a real Author; every endpoint of the mocks is known.
fn via(args: &BrowserArgs, target: &Target, files: PageFiles) -> Result<Via, Error> {
    if args.via == ViaKind::Http {
        let is_manual = args.login == LoginKind::Manual;
        let said = [
            (args.browser.is_some() && !is_manual, "--browser"),
            (args.headed, "--headed"),
            (args.learn.is_some(), "--learn"),
        ];
        return match said.into_iter().find(|(is_said, _)| *is_said) {
            None => Ok(Via::Http),
            Some((_, flag)) => Err(Error::Usage(format!("{flag} has no effect without --via browser or --via auto"))),
        };
    }
    let Some((stack, _)) = target.real() else {
        return Err(Error::Usage(
            "--via is for a real Author: of mocks every endpoint is known; add --target author".into(),
        ));
    };
    if let Some(program) = args.browser.as_ref().filter(|program| !program.is_file()) {
        return Err(Error::Usage(format!("--browser: the file {} does not exist", program.display())));
    }
    let everything = args.via == ViaKind::Browser;
    Ok(Via::browser(args.browser.as_deref(), args.headed, everything, &stack.author, files))
}

/// What only means something when a real Author is changed, and what would make that dangerous.
fn changes_need_care(how: &RunFlags, mocked: bool, allow: Allow) -> Result<(), Error> {
    let changes = !mocked && allow == Allow::Change;
    if !changes && (how.replace_configuration || how.journal.is_some()) {
        let flag = if how.replace_configuration { "--replace-configuration" } else { "--journal" };
        return Err(Error::Usage(format!("{flag} means something only with --target author --allow change")));
    }
    if changes && how.jobs.is_some_and(|jobs| jobs > 1) {
        return Err(Error::Usage(
            "--jobs must be 1 with --allow change: scenarios change an Author one after another".into(),
        ));
    }
    Ok(())
}

/// A target that is only planned for.
fn stand_in(mocked: bool) -> Result<Target, Error> {
    if mocked {
        return Ok(Target::Mock);
    }
    let author = Url::parse("http://127.0.0.1").map_err(|error| Error::Internal(error.to_string()))?;
    let stack = Stack { author, ims: None, console: None, tenant: None, control: None };
    Ok(Target::Author(stack, Credentials::default()))
}

fn target(target: &TargetArgs, place: SettingSources<'_>, output: &Output) -> Result<(Target, Connection), Error> {
    if target.target == TargetKind::Mock {
        let limits = Limits { request: target.connection.request_timeout, ..Limits::default() };
        return Ok((Target::Mock, Connection::to_mocks(limits)));
    }
    let Reach { stack, credentials, connection } = Reach::author(target, place, output)?;
    Ok((Target::Author(stack, credentials), connection))
}
