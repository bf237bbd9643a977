"""The admin's pages."""

from django.contrib import admin

from blog.models import Entry, GuestLine
from spamguard.integrations.django.admin import SpamActions

admin.site.register(Entry)


@admin.register(GuestLine)
class GuestLineAdmin(SpamActions, admin.ModelAdmin):
    """Lines of the guest book, with "spam" and "not spam"."""

    list_display = ("text", "name", "is_public")
    list_filter = ("is_public",)
