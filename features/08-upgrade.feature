Feature: Upgrade an existing configuration
  To migrate an existing configuration to the Developer Console, one verifies that no publishing job is running, deletes the
  four replication agents, the Brand Portal cloud service and the Mac user, and creates the configuration again.

  The documentation names "/etc/replications/agents.author" as the place to delete the agents. That is a typing error: the
  node is /etc/replication/agents.author, without the s. The page's own screenshot of CRXDE shows that node, AEM's
  replication console has that address, and every documented example of an agent (its creation, its queue, its test)
  uses it. An Author has no node /etc/replications, so a reader who follows the sentence literally finds nothing to delete
  and leaves the old agents in place.

  The agents, the cloud service and the Mac user belong to the Author. On a real Author the scenarios that delete them
  (@replaces) run only with --replace-configuration: first the whole configuration, with the Mac user's keys, is kept in a
  package of the Author's Package Manager; at the end it is restored as it was. No known request ends a pause
  (@irreversible), so that scenario runs on the mocks only.

  Rule: Nothing is edited while a job is running

    @BP-UPG-01 @observe @author:configured
    Scenario: All four queues are idle
      When the running jobs of the four agents are verified
      Then the upgrade may go on

    @BP-UPG-01 @observe @author:queue-blocked
    Scenario: A queue that is blocked stops the upgrade
      When the running jobs of the four agents are verified
      Then the upgrade stops, and names each agent that is not idle and the item that it is at
      And no request of this scenario has changed anything

    @BP-UPG-01 @change @author:configured @surface:author.publish @surface:author.unpublish
    Scenario: A queue that is active stops the upgrade
      Given an asset folder of this run, with the Brand Portal configuration
      And 24 assets of this run in the folder
      And the folder is being published to Brand Portal
      When the running jobs of the four agents are verified
      Then the upgrade stops, and names each agent that is not idle and the item that it is at

    @BP-UPG-01 @change @author:configured @irreversible
    Scenario: A queue that is paused stops the upgrade
      Given the queue of one of the four agents is paused
      When the running jobs of the four agents are verified
      Then the upgrade stops, and names each agent that is not idle and the item that it is at

  Rule: What was configured is deleted, and nothing else

    @BP-UPG-02 @change @author:configured @replaces
    Scenario: The four replication agents are deleted where they are, not where the page says
      Given the running jobs of the four agents were verified
      Then the Author has /etc/replication/agents.author and no /etc/replications/agents.author
      When the four replication agents are deleted
      Then none of the four replication agents is left
      And the other replication agents are still there

    @BP-UPG-03 @change @author:configured @replaces
    Scenario: The Brand Portal cloud service is deleted
      Given the running jobs of the four agents were verified
      When the Brand Portal cloud service is deleted
      Then no Brand Portal cloud configuration is left

    @BP-UPG-04 @change @author:configured @replaces
    Scenario: The Mac user is deleted
      Given the running jobs of the four agents were verified
      When the Mac user is deleted
      Then no Mac user of the tenant is left

    @BP-UPG-06 @change @author:configured @replaces
    Scenario: Agents, configurations and users of others are as before
      Given the running jobs of the four agents were verified
      And what the Author holds of agents, configurations and users is noted
      When the four replication agents are deleted
      And the Brand Portal cloud service is deleted
      And the Mac user is deleted
      Then the four agents, the cloud service and the Mac user are gone, and nothing else is different

  Rule: After that the configuration is created again and works

    @BP-UPG-05 @change @author:configured @replaces
    @surface:author.ims-create @surface:author.ims-delete @surface:author.ims-health
    Scenario: A new configuration works from its first step to the test of all four agents
      Given the running jobs of the four agents were verified
      And the old configuration is deleted: agents, cloud service, Mac user and IMS configuration
      When IMS gives a token for the OAuth credential of the Developer Console
      And an IMS configuration is created from that credential and passes its health check
      And the cloud service is created with that IMS configuration
      Then the four agents and the Mac user appear again
      And the test of each of the four new agents succeeds
