"""Patient pages, then the pharmacy's desk. The names are flat: {% url "share" share.pk %}."""

from django.urls import path

from sharing.views import demo, dispense, patient, pharmacy, prescriptions, privacy, share_steps

urlpatterns = [
    path("", patient.home, name="home"),
    path("espace/", patient.spaces, name="spaces"),
    path("espace/<uuid:id>/", patient.switch_patient, name="switch-patient"),
    path("ordonnances/", prescriptions.prescriptions, name="prescriptions"),
    path("ordonnances/<uuid:id>/", prescriptions.prescription, name="prescription"),
    path("ordonnances/<uuid:id>/presenter/", prescriptions.present, name="prescription-present"),
    path("ordonnances/<uuid:id>/masquer/", privacy.mask, name="prescription-mask"),
    path("ordonnances/<uuid:id>/demasquer/", privacy.unmask, name="prescription-unmask"),
    path("ordonnances/<uuid:id>/partager/", share_steps.pharmacy, name="share-pharmacy"),
    path("ordonnances/<uuid:id>/partager/message/", share_steps.message, name="share-message"),
    path("ordonnances/<uuid:id>/partager/verifier/", share_steps.check, name="share-check"),
    path("ordonnances/<uuid:id>/partager/confirmation/<uuid:share_id>/", share_steps.confirmed, name="share-confirmed"),
    path("confidentialite/", privacy.professionals, name="privacy"),
    path("partages/", patient.shares, name="shares"),
    path("partages/<uuid:id>/", patient.share, name="share"),
    path("partages/<uuid:id>/etat", patient.share_status, name="share-status"),
    path("partages/<uuid:id>/retirer/", patient.share_revoke, name="share-revoke"),
    path("partages/<uuid:id>/message/", patient.share_post, name="share-post"),
    path("partages/<uuid:id>/fichiers/<uuid:file_id>/", patient.share_file, name="share-file"),
    path("pharmacie/", pharmacy.desk, name="desk"),
    path("pharmacie/nouveaux/", pharmacy.news, name="desk-news"),
    path("pharmacie/changer/", pharmacy.switch, name="desk-switch"),
    path("pharmacie/partages/<uuid:id>/", pharmacy.share, name="desk-share"),
    path("pharmacie/partages/<uuid:id>/prendre/", pharmacy.take, name="desk-take"),
    path("pharmacie/partages/<uuid:id>/repondre/", pharmacy.reply, name="desk-reply"),
    path("pharmacie/partages/<uuid:id>/document/", pharmacy.document, name="desk-document"),
    path("pharmacie/delivrer/<uuid:id>/", dispense.dispense, name="desk-dispense"),
    path("pharmacie/delivrer/<uuid:id>/fait/<uuid:dispensing_id>/", dispense.dispensed, name="desk-dispensed"),
    path("pharmacie/delivrer/<uuid:id>/annuler/<uuid:dispensing_id>/", dispense.undo, name="desk-undo"),
    path("demo/messagerie/", demo.mailboxes, name="demo-mailboxes"),
    path("demo/messagerie/<slug:finess>/", demo.mailbox, name="demo-mailbox"),
    path("demo/messagerie/<slug:finess>/<str:key>/", demo.mail, name="demo-mail"),
    path("demo/messagerie/<slug:finess>/<str:key>/lu/", demo.confirm_reading, name="demo-mail-read"),
    path("demo/messagerie/<slug:finess>/<str:key>/<int:number>/", demo.mail_file, name="demo-mail-file"),
]
