//! The texts of the pages in German. Those of documented controls are the ones of Adobe's German documentation (aem-ui.md
//! §2); what it does not translate stays English. The other texts are the mock's own.

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Locale {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

/// Texts and their translations.
const GERMAN: [(&str, &str); 46] = [
    ("Security", "Sicherheit"),
    ("Adobe IMS Configurations", "Adobe IMS-Konfigurationen"),
    ("Create", "Erstellen"),
    ("Adobe IMS Technical Account Configuration", "Konfiguration des technischen Adobe IMS-Kontos"),
    ("Certificate", "Zertifikat"),
    ("Account", "Konto"),
    ("Cloud Solution", "Cloud-Lösung"),
    ("Authentication Type", "Authentifizierungstyp"),
    ("Create new certificate", "Neues Zertifikat erstellen"),
    ("Create certificate", "Zertifikat erstellen"),
    ("Download Public Key", "Öffentlichen Schlüssel herunterladen"),
    ("Next", "Weiter"),
    ("Title", "Titel"),
    ("Authorization Server", "Autorisierungsserver"),
    ("API Key", "API-Schlüssel"),
    ("Client Secret", "Client-Geheimnis"),
    ("Check Health", "Zustand überprüfen"),
    ("Check", "Prüfen"),
    ("Token retrieved successfully", "Token erfolgreich abgerufen"),
    ("Save & Close", "Speichern und schließen"),
    ("Save", "Speichern"),
    ("Properties", "Eigenschaften"),
    ("JWT Credentials (deprecated)", "JWT-Anmeldedaten (nicht mehr unterstützt)"),
    ("Deployment", "Bereitstellung"),
    ("Replication", "Replikation"),
    ("Quick Publish", "Schnellveröffentlichung"),
    ("Publish to Brand Portal", "In Brand Portal veröffentlichen"),
    ("Unpublish from Brand Portal", "Veröffentlichung in Brand Portal rückgängig machen"),
    // The mock's own.
    ("Publish", "Veröffentlichen"),
    ("Delete", "Löschen"),
    ("Cancel", "Abbrechen"),
    ("Close", "Schließen"),
    ("Back", "Zurück"),
    ("Error", "Fehler"),
    ("General", "Allgemein"),
    ("Name", "Name"),
    ("Select", "Auswählen"),
    ("Deselect", "Auswahl aufheben"),
    ("selected", "ausgewählt"),
    ("Up", "Nach oben"),
    ("Please select", "Bitte auswählen"),
    ("Welcome", "Willkommen"),
    ("This is a mocked Author.", "Dies ist ein nachgebildeter Author."),
    ("The form has been submitted successfully", "Das Formular wurde gesendet"),
    ("Certificate created", "Zertifikat erstellt"),
    ("Header Bar", "Kopfleiste"),
];

impl Locale {
    /// The language of a preference, or the first of those that a browser accepts.
    pub(crate) fn of(languages: &str) -> Self {
        let first = languages.split([',', ';']).next().unwrap_or_default().trim().to_lowercase();
        if first.split(['-', '_']).next() == Some("de") { Self::De } else { Self::En }
    }

    /// The code for `html[lang]`.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// A text in this language.
    pub(super) fn text(self, text: &str) -> &str {
        let translated = GERMAN.iter().find(|(english, _)| self == Self::De && *english == text);
        translated.map_or(text, |(_, german)| german)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_counts() {
        for (languages, wanted) in
            [("de", Locale::De), ("de-AT,en;q=0.5", Locale::De), ("en-US,de", Locale::En), ("", Locale::En)]
        {
            assert_eq!(Locale::of(languages), wanted, "{languages}");
        }
        assert_eq!(Locale::De.text("Create"), "Erstellen");
        assert_eq!(Locale::En.text("Create"), "Create");
        assert_eq!(Locale::De.text("Cloud Services"), "Cloud Services");
    }
}
