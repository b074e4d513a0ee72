from django.urls import include, path

from portal import views, views_token

urlpatterns = [
    path("", views.api_root, name="api-root"),
    path("token/", views_token.token, name="api-token"),
    path("", include("prescriptions.api.urls")),
    path("", include("sharing.api.urls")),
]
