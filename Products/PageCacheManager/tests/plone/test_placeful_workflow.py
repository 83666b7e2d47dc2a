"""Workflows of a folder, if CMFPlacefulWorkflow is installed."""
import pytest
import transaction

from .changes import submit
from .freshness import Freshness


pytest.importorskip('Products.CMFPlacefulWorkflow')

FORM = '/a-folder/@@placeful-workflow-configuration'


def test_workflows_of_a_folder_show_at_once(portal, client, page_cache):
    portal.portal_setup.runAllImportStepsFromProfile(
        'Products.CMFPlacefulWorkflow:CMFPlacefulWorkflow')
    transaction.commit()
    fresh = Freshness(client, page_cache, ['/a-folder', '/a-folder/item-0'],
                      (None, 'alice', 'root'))
    fresh.warm()
    assert submit(client, FORM, 'root', 'add_wp_for_type').status == 302
    fresh.after()
    fresh.warm()
    assert submit(client, FORM, 'root', 'submit', {
        'policy_in': 'one-state', 'policy_below': 'one-state'}).status == 302
    assert ('/a-folder/item-0', 'alice') in fresh.after()
    fresh.warm()
    mapping = '/@@placeful-workflow-policy-mapping?wfpid=one-state'
    answer = submit(client, mapping, 'root', 'submit', {
        'default_workflow_id': 'intranet_workflow'})
    assert answer.status in (200, 302)
    assert ('/a-folder/item-0', 'alice') in fresh.after()
