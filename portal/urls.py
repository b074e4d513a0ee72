"""The whole map. Each app holds its own pages; names are flat."""

from django.contrib import admin
from django.urls import include, path

from portal import demo, health, metrics, views

urlpatterns = [
    path("", include("sharing.urls")),
    path("", include("prescriptions.urls")),
    path("compte/", include("allauth.urls")),
    path("compte/debut/", views.account_start, name="account_start"),
    path("langue/", views.set_language, name="set_language"),
    path("aide/", views.help_page, name="help"),
    path("accessibilite/", views.accessibility, name="accessibility"),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="health"),
    path("healthz/deep", health.deep, name="health-deep"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/", include("portal.api_urls")),
    path("demo/", demo.people, name="demo"),
    path("demo/enter/<slug:persona>/", demo.enter, name="demo-enter"),
    path("demo/messages/<slug:persona>/", demo.notices, name="demo-notices"),
]
handler500 = "portal.views.server_error"
