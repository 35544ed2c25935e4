Feature: Publish from AEM Assets to Brand Portal
  When the configuration is complete, assets, folders, collections, tags, presets, schemas and search facets are published
  from the Author to the tenant, immediately or later, and are unpublished. Asset Sourcing is the opposite direction.

  Each scenario creates its own content, whose name contains the id of the run, and removes it again. Whether something
  arrived is judged by what the tenant holds, never by what the Author reports. The request behind "Publish to Brand
  Portal" is not documented; until an operator has captured it, these scenarios are skipped on a real Author.

  Rule: An asset that is published arrives, and one that is unpublished is removed

    @BP-PUB-01 @change @author:configured @surface:author.publish @surface:author.unpublish
    Scenario Outline: An asset that was uploaded by <way> arrives with every byte
      Given an asset folder of this run, with the Brand Portal configuration
      And an asset of this run, uploaded by <way>
      When the asset is published to Brand Portal
      Then the Author says that it is queued for publishing
      And the tenant receives the asset, byte for byte
      And the replication status of the asset says that it is published
      And nothing of this run waits in a queue

      Examples:
        | way                 |
        | the Assets HTTP API |
        | createasset         |

    @BP-PUB-02 @change @author:configured @surface:author.publish @surface:author.unpublish
    Scenario: Unpublishing removes the asset from the tenant and leaves it on the Author
      Given an asset folder of this run, with the Brand Portal configuration
      And an asset of this run, uploaded by createasset
      And the asset was published to Brand Portal and arrived
      When the asset is unpublished from Brand Portal
      Then the tenant no longer has the asset
      And the replication status of the asset says that it is unpublished
      And the Author still has the asset

  Rule: A folder is published with its assets

    @BP-PUB-03 @change @author:configured @surface:author.publish @surface:author.unpublish
    Scenario: A folder is published and unpublished
      Given an asset folder of this run, with the Brand Portal configuration
      And 3 assets of this run in the folder
      When the folder is published to Brand Portal
      Then the Author says that it is queued for publishing
      And the tenant receives all the assets, byte for byte
      When the folder is unpublished from Brand Portal
      Then the tenant no longer has any of the assets
      And the tenant no longer has the folder

  Rule: A collection is published with its assets, but without content fragments

    @BP-PUB-04 @change @author:configured @surface:author.publish @surface:author.unpublish @surface:tenant.node
    Scenario: A collection is published and unpublished
      Given an asset folder of this run, with the Brand Portal configuration
      And 2 assets of this run in the folder
      And a collection of these assets
      When the collection is published to Brand Portal
      Then the Author says that it is queued for publishing
      And the tenant receives the collection
      And the tenant receives all the assets, byte for byte
      When the collection is unpublished from Brand Portal
      Then the tenant no longer has the collection

    @BP-PUB-04 @change @author:configured @surface:author.publish @surface:author.unpublish
    Scenario: A content fragment is not publishable
      Given an asset folder of this run, with the Brand Portal configuration
      And a content fragment in the folder
      When the content fragment is published to Brand Portal
      Then the publication is refused
      And the tenant does not get the content fragment

    @BP-PUB-04 @change @author:configured @surface:author.publish @surface:author.unpublish @surface:tenant.node
    Scenario: From a mixed collection everything but the fragments is published
      Given an asset folder of this run, with the Brand Portal configuration
      And 2 assets of this run in the folder
      And a content fragment in the folder
      And a collection of these assets and the content fragment
      When the collection is published to Brand Portal
      Then the Author says that it is queued for publishing
      And the tenant receives all the assets, byte for byte
      And the tenant does not get the content fragment

  Rule: Tags are published alone and with their assets

    @BP-PUB-05 @change @author:configured @surface:author.publish @surface:author.unpublish
    Scenario: A tag is published on its own
      Given a tag of this run
      When the tag is published to Brand Portal
      Then the tenant receives the tag
      When the tag is unpublished from Brand Portal
      Then the tenant no longer has the tag

    @BP-PUB-05 @change @author:configured @surface:author.publish @surface:author.unpublish
    Scenario: The tags of an asset are published with it
      Given an asset folder of this run, with the Brand Portal configuration
      And a tag of this run
      And an asset of this run, uploaded by createasset
      And the asset has the tag
      When the asset is published to Brand Portal
      Then the tenant receives the asset, byte for byte
      And the tenant receives the tag

  Rule: Presets, metadata schemas and search facets are published; a locked default is not

    @BP-PUB-06 @change @author:configured @surface:author.publish @surface:author.unpublish @surface:tenant.node
    Scenario Outline: <A thing> is published and removed
      Given <a thing> of this run
      When it is published to Brand Portal
      Then the tenant receives it
      When it is removed from Brand Portal
      Then the tenant no longer has it

      Examples:
        | a thing           | A thing           |
        | an image preset   | An image preset   |
        | a metadata schema | A metadata schema |
        | a search facet    | A search facet    |

    @BP-PUB-06 @change @author:configured @surface:author.publish @surface:author.unpublish @surface:tenant.node
    Scenario: A locked default is refused
      Given a default that is still locked
      When it is published to Brand Portal
      Then the publication is refused
      And the tenant does not get it

  Rule: Asset Sourcing imports contributions

    @BP-PUB-07 @change @author:configured @mock-clock
    @surface:author.contribution-folder-create @surface:author.publish @surface:author.unpublish @surface:tenant.contribute @surface:tenant.contributions
    Scenario: A contribution folder goes out with NEW and SHARED, and a contribution comes back with the next poll
      Given a contribution folder of this run, with the Brand Portal configuration
      And an asset of this run in its folder SHARED
      When the contribution folder is published to Brand Portal
      Then the tenant receives the folders NEW and SHARED
      And the tenant receives the asset, byte for byte
      When somebody contributes a file to NEW on the tenant
      Then the Author has the file in NEW within 5 minutes, byte for byte
      And the tenant no longer offers the file to other Authors

  Rule: Publishing later takes effect at its time

    @BP-PUB-08 @change @author:configured @mock-clock @surface:author.publish @surface:author.unpublish
    Scenario: An asset that is published later arrives at its time, not before
      Given an asset folder of this run, with the Brand Portal configuration
      And an asset of this run, uploaded by createasset
      When the asset is published to Brand Portal in 60 minutes
      Then 59 minutes later the tenant does not have the asset
      And 2 minutes later the tenant receives the asset, byte for byte
