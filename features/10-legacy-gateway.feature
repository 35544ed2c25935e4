Feature: The legacy OAuth gateway
  Until April 2020, Brand Portal was configured through the legacy OAuth gateway. It is no longer offered, but the
  documentation advises existing customers to keep such a configuration, and to replace it only when it causes problems.
  So such a configuration is recognised, reported, and left as it is.

  @BP-GTW-01 @observe @author:configured
  Scenario: Every Brand Portal configuration says by which way it gets its tokens
    Then each Brand Portal cloud configuration is of the Developer Console or of the legacy OAuth gateway

  @BP-GTW-01 @observe @author:legacy-gateway
  Scenario: A configuration on the legacy OAuth gateway is recognised and left as it is
    Given what the Author holds of agents, configurations and users is noted
    When the Brand Portal cloud configurations are looked at
    Then one on the legacy OAuth gateway is recognised, with the advice to leave it as it is
    And what the Author holds of agents, configurations and users is as before
    And no request of this scenario has changed anything
