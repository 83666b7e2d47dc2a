##title=Return a stamp of all that a page about the site shows
##parameters=
portal = context.portal_url.getPortalObject()
sections = portal.objectValues('Demo Folder')
return '-'.join([section.listing_stamp() for section in sections])
