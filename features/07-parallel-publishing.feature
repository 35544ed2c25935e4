Feature: Four agents publish in parallel
  The four replication agents share the jobs equally and work in parallel, which makes publishing four times as fast as with
  one agent. None of them may be disabled: items that are queued on a disabled agent are not replicated. To prevent
  time-outs with many pending items, the troubleshooting page recommends Close Connection on all four.

  Rule: The four share the jobs equally and are about four times as fast

    @BP-REP-05 @change @author:configured @surface:author.publish @surface:author.unpublish
    Scenario: A batch is spread equally over the four queues
      Given an asset folder of this run, with the Brand Portal configuration
      And 40 assets of this run in the folder
      When the folder is published to Brand Portal
      Then each of the four agents takes a quarter of the assets, give or take one
      And the tenant receives all the assets, byte for byte

    @BP-REP-05 @change @author:configured @mock-clock @surface:author.publish @surface:author.unpublish
    Scenario: The four need about a quarter of the time of one
      Given an asset folder of this run, with the Brand Portal configuration
      And 40 assets of this run in the folder
      When one agent alone delivers all the assets
      And all four agents deliver them again
      Then the four need about a quarter of the time of the one

  Rule: A disabled agent strands its share

    @BP-REP-06 @change @author:configured @surface:author.publish @surface:author.unpublish
    Scenario: What a disabled agent strands is named, and so is the agent
      Given an asset folder of this run, with the Brand Portal configuration
      And 12 assets of this run in the folder
      And one of the four agents is disabled
      When the folder is published to Brand Portal
      Then about a quarter of the assets do not arrive
      And the reason names the disabled agent and every asset that is stranded

    @BP-REP-06 @observe @author:configured
    Scenario: No agent is disabled
      Then none of the four agents is disabled, and so strands its share

  Rule: Close Connection is set on all four

    @BP-REP-07 @observe @author:configured
    Scenario: All four agents close the connection after each request
      Then Close Connection is set on each of the four agents
