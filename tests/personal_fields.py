"""What each column of ours says about people, and what protects it. A column that is not here fails the tests.

ENCRYPTED     AES-GCM, bound to its row (portal/crypto.py)
INDEX         keyed hash: finds, does not tell
HEALTH        says something of a patient's health, in clear for search and display: behind request.patient and
              request.pharmacy, audited, on an encrypted disk
PROFESSIONAL  public data of a professional or an establishment, as in the national directories
ACCOUNT       of the person who signs in; needed in clear to sign in, to write to them or to greet them
LINK          opaque ids and relations
TECHNICAL     states, times, counters, codes
"""

ENCRYPTED, INDEX, HEALTH, PROFESSIONAL = "encrypted", "index", "health", "professional"
ACCOUNT, LINK, TECHNICAL = "account", "link", "technical"

FIELDS = {
    "portal.User": {
        ACCOUNT: "password last_login first_name last_name email language",
        LINK: "id groups user_permissions",
        TECHNICAL: "is_superuser is_staff is_active date_joined",
    },
    "portal.AuditHead": {TECHNICAL: "chain length hash"},
    "portal.AuditEvent": {
        LINK: "id actor patient subject",
        TECHNICAL: "chain position at kind detail previous hash",
    },
    "portal.IdempotencyKey": {LINK: "id scope", TECHNICAL: "key request_hash answer created_at"},
    "portal.Notice": {
        LINK: "id user path",
        TECHNICAL: "kind status attempts next_attempt_at lease_until created_at sent_at",
    },
    "portal.SoftwareClient": {
        PROFESSIONAL: "name structure_finess",
        TECHNICAL: "id kind public_jwk certificate_thumbprint certificate_subject created_at last_token_at revoked_at",
    },
    "portal.AccessToken": {LINK: "id client", TECHNICAL: "token_hash certificate_thumbprint scopes expires_at"},
    "portal.UsedAssertion": {LINK: "id client", TECHNICAL: "jti expires_at"},
    "prescriptions.Patient": {
        ENCRYPTED: "ins birth_name used_name given_names used_given_name birth_date birth_place sex",
        INDEX: "ins_index",
        LINK: "id",
        TECHNICAL: "ins_oid created_at",
    },
    "prescriptions.PatientAccess": {LINK: "id user patient", TECHNICAL: "kind created_at expires_at revoked_at"},
    "prescriptions.BlockedProfessional": {LINK: "id patient", PROFESSIONAL: "identifier", TECHNICAL: "created_at"},
    "prescriptions.Objection": {LINK: "id patient", HEALTH: "effective_from lifted_at", TECHNICAL: "recorded_at"},
    "prescriptions.Prescriber": {
        LINK: "id user",
        PROFESSIONAL: "rpps title given_name family_name profession_code speciality_code speciality structure_name"
        " structure_finess address postcode town phone email",
    },
    "prescriptions.Prescription": {
        ENCRYPTED: "source",
        HEALTH: "authored_on valid_until first_dispensing_before flags weight_kg height_cm comment named_pharmacy"
        " cancelled_reason restricted masked_at opposed",
        LINK: "id patient prescriber replaced_prescriber number replaces",
        TECHNICAL: "provenance lap_certification cancelled_at created_at",
    },
    "prescriptions.PrescriptionLine": {
        HEALTH: "kind name form codes components dosage dosage_text instructions dispenser_note starts_on"
        " duration_days quantity quantity_unit renewals no_substitution flags",
        LINK: "id prescription",
        TECHNICAL: "position",
    },
    "prescriptions.Document": {
        ENCRYPTED: "content",
        LINK: "id prescription",
        PROFESSIONAL: "handed_in_by",
        TECHNICAL: "kind position content_type sha256 created_at",
    },
    "prescriptions.Dispensing": {
        HEALTH: "dispensed_at undone_reason",
        LINK: "id prescription billing_reference",
        PROFESSIONAL: "pharmacy_finess pharmacy_name dispenser dispenser_rpps",
        TECHNICAL: "not_after undone_at created_at",
    },
    "prescriptions.DispensingLine": {
        HEALTH: "completeness completes deliveries boxes_before boxes_due cip13 delivered_name quantity lot expires_on"
        " substitution substitution_reason change change_reason prescriber_agreed_on overridden override_reason"
        " not_dispensed_reason",
        LINK: "id dispensing line",
    },
    "prescriptions.SigningKey": {
        ENCRYPTED: "private_pem",
        LINK: "id",
        TECHNICAL: "kid public_pem signs_from retired_at revoked_at",
    },
    # The public medicines database: nothing in it is about a person.
    "prescriptions.Edition": {
        LINK: "id",
        TECHNICAL: "started_at became_current_at is_current published_on facts_until sources",
    },
    "prescriptions.CataloguedMedicine": {
        LINK: "id edition",
        TECHNICAL: "cis name form routes status procedure is_marketed holder is_watched substances conditions"
        " shortages",
    },
    "prescriptions.CataloguedPresentation": {
        LINK: "id edition",
        TECHNICAL: "cis cip13 cip7 label is_active state rates price in_some_cases",
    },
    "prescriptions.GenericMember": {LINK: "id edition", TECHNICAL: "cis group label role"},
    "sharing.Pharmacy": {
        LINK: "id",
        PROFESSIONAL: "finess name address postcode town department phone latitude longitude search_text",
        TECHNICAL: "is_open source_date is_national",
    },
    "sharing.DirectoryCopy": {
        LINK: "id",
        TECHNICAL: "taken_at establishments_on mailboxes_on is_partial counts files",
    },
    "sharing.Mailbox": {LINK: "id pharmacy", PROFESSIONAL: "address", TECHNICAL: "rank"},
    "sharing.PharmacyMember": {LINK: "id user pharmacy", PROFESSIONAL: "display_name rpps", TECHNICAL: "left_at"},
    "sharing.PatientPharmacy": {LINK: "id patient pharmacy", TECHNICAL: "is_favourite last_used_at"},
    "sharing.Share": {
        ENCRYPTED: "message missing",
        LINK: "id prescription patient pharmacy shared_by receipt token taken_by moved_from",
        TECHNICAL: "status status_at wished_at taken_at refusal expected_on ready_until thread_closed_at created_at",
    },
    "sharing.ShareEvent": {LINK: "id share", TECHNICAL: "status at door"},
    "sharing.ThreadMessage": {
        ENCRYPTED: "body",
        LINK: "id share author",
        TECHNICAL: "side came_with door created_at after_end",
    },
    "sharing.Delivery": {
        ENCRYPTED: "envelope_from content unprocessed_words",
        LINK: "id share words message_id envid",
        PROFESSIONAL: "envelope_to destination",
        TECHNICAL: "kind content_sha256 size status attempts silent_claims next_attempt_at give_up_at lease_owner"
        " lease_until last_stage last_code in_doubt_at refused_at created_at sent_at delivered_at delayed_at"
        " processed_at unprocessed_at unprocessed_code read_at ended_at",
    },
    "sharing.Route": {
        PROFESSIONAL: "refused",
        TECHNICAL: "name refused_at accepted_at missed closed_until reason opened_at trials",
    },
    "sharing.ThreadFile": {ENCRYPTED: "name content", LINK: "id message", TECHNICAL: "content_type state reason"},
    "sharing.InboxPlace": {TECHNICAL: "name uidvalidity uid"},
    "sharing.Heartbeat": {TECHNICAL: "name at"},
    "sharing.InboundMail": {
        ENCRYPTED: "content",
        LINK: "id message_id share",
        TECHNICAL: "sha256 status attempts reason received_at processed_at",
    },
}
