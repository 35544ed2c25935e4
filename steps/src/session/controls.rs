//! The controls of a page: how a person finds and uses them.

use std::time::Duration;

use bpconform_fixtures::ui::Label;
use tokio::time::Instant;

use super::walk::{APPEARING, Chosen, PAUSE, Walk};
use crate::browser::elements::{self, CHOOSABLE, Element, PRESSABLE, TYPABLE};
use crate::browser::page::{Handle, Place};
use crate::problem::{Checked, Problem};

/// How long a control of an item is waited for before the item is selected: a toolbar may appear only then.
const UNSELECTED: Duration = Duration::from_millis(400);

/// The controls with one of some labels, and all that there are where they were looked for.
#[derive(Default)]
struct Found {
    matching: Vec<Element>,
    all: Vec<Element>,
    /// Whether they are around the chosen item: what they do concerns what is selected.
    is_around: bool,
}

impl Walk<'_> {
    fn labels(&self, names: &[String]) -> Vec<&Label> {
        names.iter().filter_map(|name| self.labels.get(name)).collect()
    }

    /// Whether the page has a control with that label.
    pub(super) async fn is_there(&self, label: &str) -> Checked<bool> {
        Ok(!self.with_any_role(label).await?.is_empty())
    }

    /// Whether the page has exactly one control with that label.
    pub(super) async fn is_there_once(&self, label: &str) -> Checked<bool> {
        Ok(self.with_any_role(label).await?.len() == 1)
    }

    async fn with_any_role(&self, label: &str) -> Checked<Vec<Element>> {
        let roles = [&PRESSABLE[..], &TYPABLE[..], &CHOOSABLE[..]].concat();
        Ok(self.on_page(&roles, &self.labels(&[label.to_owned()])).await?.matching)
    }

    /// The controls with one of these labels: by role and accessible name, otherwise by what a person sees beside them or as
    /// their title. `all` are those that a screen reader knows.
    async fn matching(
        &self,
        all: &[Element],
        within: Option<&Handle>,
        roles: &[&str],
        labels: &[&Label],
    ) -> Checked<Vec<Element>> {
        let mut matching = Vec::new();
        for element in elements::with_label(all, roles, labels) {
            // The name of an icon is not what the control does.
            if !self.page.is_named_by_icon(element).await.unwrap_or(false) {
                matching.push(element.clone());
            }
        }
        if matching.is_empty() { self.page.labelled(within, roles, labels).await } else { Ok(matching) }
    }

    /// The controls of the whole page: by label, otherwise by documented id, otherwise by what they are beside.
    async fn on_page(&self, roles: &[&str], labels: &[&Label]) -> Checked<Found> {
        let all = self.page.elements(None).await?;
        let mut matching = self.matching(&all, None, roles, labels).await?;
        for id in labels.iter().filter_map(|label| label.id.as_deref()) {
            if matching.is_empty() {
                matching = self.page.by_id(id).await?;
                matching.retain(|element| roles.contains(&element.role.as_str()));
            }
        }
        let beside = labels.iter().filter_map(|label| self.labels.get(label.beside.as_deref()?));
        for mark in beside.filter(|_| roles.contains(&TYPABLE[0])) {
            if matching.is_empty() {
                matching = self.page.field_beside(mark).await?;
            }
        }
        Ok(Found { matching, all, is_around: false })
    }

    /// Closes what AEM lays over a page for a user who has not closed it before, if it is shown.
    async fn close_overlay(&self) -> Checked {
        for overlay in self.overlays {
            if let Some(control) = self.page.what_closes(&overlay.shown, &overlay.close).await?
                && let Ok(place) = self.page.place_of(&control).await?
            {
                self.page.click(place).await?;
            }
        }
        Ok(())
    }

    /// The controls where a person looks for them. Once an item is chosen: in the open dialog, in the item, and around it,
    /// but never in another item.
    async fn found(&self, roles: &[&str], labels: &[&Label]) -> Checked<Found> {
        let Some(chosen) = &self.item else { return self.on_page(roles, labels).await };
        let item = self.still_there(chosen).await?;
        for within in self.page.dialog().await?.iter().chain([&item]) {
            let all = self.page.elements(Some(within)).await.unwrap_or_default();
            let matching = self.matching(&all, Some(within), roles, labels).await.unwrap_or_default();
            if !matching.is_empty() {
                return Ok(Found { matching, all, is_around: false });
            }
        }
        let Found { matching, all, .. } = self.on_page(roles, labels).await?;
        let mut around = Vec::new();
        for element in matching {
            if !self.page.is_of_another(&element, &item).await? {
                around.push(element);
            }
        }
        Ok(Found { matching: around, all, is_around: true })
    }

    /// The chosen item. A page may have replaced its element.
    async fn still_there(&self, chosen: &Chosen) -> Checked<Handle> {
        if self.page.is_connected(&chosen.handle).await.unwrap_or(false) {
            return Ok(chosen.handle.clone());
        }
        Ok(self.page.item(&chosen.values).await?.unwrap_or_else(|_| chosen.handle.clone()))
    }

    /// The one enabled control with one of these labels, waited for; none if the request was sent meanwhile.
    async fn control(&self, roles: &[&str], names: &[String]) -> Checked<Option<Element>> {
        let labels = self.labels(names);
        let (began, mut selected) = (Instant::now(), self.item.is_none());
        loop {
            // A page that is just being replaced cannot be asked.
            let found = self.found(roles, &labels).await.unwrap_or_default();
            let may_select = found.is_around && (!found.matching.is_empty() || began.elapsed() >= UNSELECTED);
            if may_select && !selected && began.elapsed() < APPEARING {
                selected = self.select_chosen().await?;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            if let [one] = &found.matching[..]
                && !one.disabled
            {
                return Ok(Some(one.clone()));
            }
            if self.is_done() {
                return Ok(None);
            }
            if began.elapsed() >= APPEARING {
                return Err(self.missing(roles, names, &found).await);
            }
            if found.matching.is_empty() {
                self.close_overlay().await.ok();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Selects the chosen item, if it has a control for that: the toolbar of a list concerns what is selected. Returns
    /// whether nothing more is to be done for that.
    async fn select_chosen(&self) -> Checked<bool> {
        let Some(chosen) = &self.item else { return Ok(true) };
        let item = self.still_there(chosen).await?;
        let mut control = self.page.selector(&item).await?;
        if control.is_none() {
            self.page.hover(&item).await?;
            tokio::time::sleep(PAUSE).await;
            control = self.page.selector(&item).await?;
        }
        let Some(control) = control else { return Ok(true) };
        match self.page.place_of(&control).await? {
            Ok(place) => self.page.click(place).await.map(|()| true),
            Err(_) => self.close_overlay().await.map(|()| false),
        }
    }

    /// Why a control cannot be used: where, which one, and what there is instead.
    async fn missing(&self, roles: &[&str], names: &[String], found: &Found) -> Problem {
        let texts: Vec<_> =
            self.labels(names).iter().filter_map(|label| label.en.first()).map(|it| format!("\"{it}\"")).collect();
        let wrong = match &found.matching[..] {
            [] => "has no".to_owned(),
            [_] => "has only a disabled".to_owned(),
            many => format!("has {} of one name, not exactly one:", many.len()),
        };
        let instead = elements::listed(&found.all, roles);
        let dialog = found.all.iter().find(|it| it.role.ends_with("dialog"));
        let dialog = dialog.map_or_else(String::new, |it| format!("; a dialog \"{}\" is open", it.name.trim()));
        self.problem(&format!(
            "{wrong} {} {}; there is {instead}{dialog}{}",
            roles.first().unwrap_or(&"control"),
            texts.join(" or "),
            self.what_was_blocked()
        ))
        .await
    }

    /// Presses a control; if its press `sends`, the action's request may follow.
    pub(super) async fn press(&mut self, names: &[String], sends: bool) -> Checked {
        self.press_one_of(&PRESSABLE, names, sends).await
    }

    /// Presses a control of one of these roles.
    pub(super) async fn press_one_of(&mut self, roles: &[&str], names: &[String], sends: bool) -> Checked {
        let until = Instant::now() + APPEARING;
        loop {
            let Some(control) = self.control(roles, names).await? else { return Ok(()) };
            let Some(place) = self.uncovered(&control, until).await? else { continue };
            if sends {
                self.let_through().await?;
            }
            self.page.click(place).await?;
            return if self.gate.is_open() { Ok(()) } else { self.settle().await };
        }
    }

    /// Presses the last of these labels that is there, until it was the last one.
    pub(super) async fn reach(&mut self, names: &[String]) -> Checked {
        let until = Instant::now() + APPEARING;
        let mut reached = 0;
        while reached < names.len() {
            // A page that is just being replaced cannot be asked.
            let all = self.page.elements(None).await.unwrap_or_default();
            let mut ahead = None;
            for index in (reached..names.len()).rev() {
                let label = self.labels(&names[index..=index]);
                let found = self.matching(&all, None, &PRESSABLE, &label).await.unwrap_or_default();
                if matches!(&found[..], [one] if !one.disabled) {
                    ahead = Some(index);
                    break;
                }
            }
            if let Some(index) = ahead {
                self.press(&names[index..=index], false).await?;
                reached = index + 1;
            } else if Instant::now() >= until {
                let found = Found { all, ..Found::default() };
                return Err(self.missing(&PRESSABLE, &names[reached..], &found).await);
            } else {
                self.close_overlay().await.ok();
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Chooses the one item that has one of these values.
    pub(super) async fn select(&mut self, names: &[String]) -> Checked {
        let values: Vec<_> = names.iter().filter_map(|name| self.value(name)).map(str::to_owned).collect();
        let until = Instant::now() + APPEARING;
        loop {
            let count = match self.page.item(&values).await? {
                Ok(handle) => {
                    self.item = Some(Chosen { handle, values });
                    return Ok(());
                }
                Err(count) => count,
            };
            if Instant::now() >= until {
                let wanted = values.join(" or ");
                return Err(self.problem(&format!("shows {count} items of {wanted}, not exactly one")).await);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Types a value into a field.
    pub(super) async fn fill(&self, label: &str, with: &str) -> Checked {
        let Some(value) = self.value(with) else { return Ok(()) };
        let Some(field) = self.control(&TYPABLE, &[label.to_owned()]).await? else { return Ok(()) };
        if self.page.fill(&field, value).await? {
            return Ok(());
        }
        Err(self.problem(&format!("has the field \"{}\", which does not take what is typed", field.name.trim())).await)
    }

    /// Chooses a value of a list.
    pub(super) async fn choose(&self, label: &str, with: &str) -> Checked {
        let Some(value) = self.value(with) else { return Ok(()) };
        let Some(list) = self.control(&CHOOSABLE, &[label.to_owned()]).await? else { return Ok(()) };
        let chosen = if self.page.is_select(&list).await? {
            self.page.choose(&list, value).await?
        } else {
            self.choose_from_open_list(&list, value).await?
        };
        let Err(offered) = chosen else { return Ok(()) };
        let name = list.name.trim();
        let problem = format!("has the list \"{name}\" without exactly one option {value}; it offers {offered}");
        Err(self.problem(&problem).await)
    }

    /// Opens a list, presses the option, and waits until the list shows it. The error is what the list offers instead.
    async fn choose_from_open_list(&self, list: &Element, value: &str) -> Checked<Result<(), String>> {
        let until = Instant::now() + APPEARING;
        self.press_element(list, until).await?;
        let option = loop {
            match self.page.option(list, value).await? {
                Ok(option) => break option,
                Err(offered) if Instant::now() >= until => return Ok(Err(offered)),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
        let text = option.name.clone();
        self.press_element(&option, until).await?;
        while !self.page.shows_value(list, &text).await? {
            if Instant::now() >= until {
                return Ok(Err(format!("{text}, which it does not take")));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Ok(()))
    }

    /// Presses a control once nothing covers it.
    async fn press_element(&self, control: &Element, until: Instant) -> Checked {
        loop {
            if let Some(place) = self.uncovered(control, until).await? {
                return self.page.click(place).await;
            }
        }
    }

    /// Where a control can be pressed; `None`, after a pause, if something covers it, which is an error at the end.
    async fn uncovered(&self, control: &Element, until: Instant) -> Checked<Option<Place>> {
        match self.page.place_of(control).await? {
            Ok(place) => Ok(Some(place)),
            Err(cover) if Instant::now() >= until => {
                let (role, name) = (&control.role, control.name.trim());
                Err(self.problem(&format!("has the {role} \"{name}\", but it is covered by {cover}")).await)
            }
            Err(_) => {
                self.close_overlay().await.ok();
                tokio::time::sleep(PAUSE).await;
                Ok(None)
            }
        }
    }
}
