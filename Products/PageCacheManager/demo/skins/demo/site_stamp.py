##title=Name what a page about the whole site is made of
##parameters=
portal = context.portal_url.getPortalObject()
sections = portal.objectValues('Demo Folder')
return '-'.join([section.listing_stamp() for section in sections])
