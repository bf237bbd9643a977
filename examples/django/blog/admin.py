"""The admin's pages."""

from django.contrib import admin

from blog.models import Entry, GuestLine
from spamguard.integrations.django.admin import SpamActions

admin.site.register(Entry)


@admin.register(GuestLine)
class GuestLineAdmin(SpamActions, admin.ModelAdmin):
    """Guest book lines, with the actions "spam" and "not spam"."""

    list_display = ("text", "name", "is_public")
    list_filter = ("is_public",)
