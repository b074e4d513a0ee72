from django.urls import include, path

from portal import api_docs, views, views_token

urlpatterns = [
    path("", views.api_root, name="api-root"),
    path("token/", views_token.token, name="api-token"),
    path("schema/", api_docs.schema, name="api-schema"),
    path("docs/", api_docs.docs, name="api-docs"),
    path("", include("prescriptions.api.urls")),
    path("", include("sharing.api.urls")),
]
