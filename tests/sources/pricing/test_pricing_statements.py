"""The grammar of statements about prices, sentence by sentence: what is not understood of these prices refuses them,
wherever it stands, and what is said of anything else takes none away.
"""

from __future__ import annotations

import pytest

from tests.support.pricing_words import BELOW, NOTES, PLACES, silent

TIMES = """
After the preview period, these prices apply.
During the preview, the prices below apply.
Once the preview ends, pricing will be as follows.
These prices apply after general availability.
Prices during the beta period:
Introductory prices, valid while supplies last.
When the promotion ends, the following prices apply.
Until further notice of the promotion, these prices are reduced.
The prices below were in force last year.
For the first three months these prices apply.
These rates start next Monday.
The prices below apply from launch.
After launch, these are the prices:
Upon release, the following prices will apply.
These prices will come into effect at the end of the quarter.
The following prices used to apply.
Until now, the following prices applied.
Soon, these prices will apply.
Pricing from the end of the trial:
Prices before the increase:
Prices after the price cut:
The prices below no longer apply.
These prices are being phased out.
We previously charged the following rates.
Once GA, prices are:
Prices at GA:
These prices hold only this week.
For a limited time, prices are as follows.
Limited-time pricing
Launch pricing
Early-bird prices
Prices until the end of the month:
Pricing as it was at launch
The following prices are under review.
These are placeholder prices.
Prices shown are projections.
These figures are estimates.
Prices are not final.
Prices to be confirmed.
TBD pricing
Here are last month's prices.
Yesterday's prices
The table below lists prices that will replace the current ones.
Below are the rates that applied before our update.
These prices were replaced.
These prices have been superseded.
This table is out of date.
This table is kept for reference only.
This table is kept for historical reference.
Prices as they were on March 1, 2025:
The 2025 price list was:
Prices in 2025
In 2025, prices were:
From next January the prices below hold.
Beginning in the fall, prices will be:
These prices take effect 30 days after notice.
Subject to change on October 1, 2027: the prices below.
Our new prices (effective 10/1/27):
Updated prices coming October 1, 2027
New pricing takes effect on the first of October 2027.
Effective date: 2027-10-01
Effective date: October 1st, 2027
Effective: 1 Oct 2027
Valid from: 2027-10-01
Price list valid from 01.10.2027
Start date: 2027-10-01
Applicable from October 2027
Prices (2027-10-01 onwards)
Preview of our prices for October 2027
As announced, from the new year
This page is outdated.
This page has been archived.
This price list is no longer maintained.
Status: draft
"""

OFFERS = """
These prices apply to committed use.
These prices require a subscription.
These prices are for Pro users.
Prices for Plus subscribers:
With a Team plan you pay the following prices.
On the Scale plan, the prices are:
If you opt in to data sharing, these prices apply.
These prices apply when you share your data with us.
With prompt caching enabled, the following prices apply.
With web search enabled, these prices apply.
Requests with grounding are billed at the rates below.
With thinking turned on, the prices below apply.
In thinking mode, the following prices apply.
The following rates apply to fine-tuned models.
These are the prices for fine-tuned models.
The following prices are for customers with an annual contract.
For existing customers, these prices remain.
For new customers, the following prices apply.
Members pay these prices.
Partners pay the following rates.
Resellers are billed at these rates.
Customers with more than $10,000 monthly spend pay these rates.
Above 1 billion tokens a month, these prices apply.
For the first 10M tokens, these prices apply.
After the first 1M tokens per day the following prices apply.
For requests over 200K tokens, the following prices apply.
For prompts longer than 128K tokens the prices are as follows.
When the input exceeds 272K tokens, these rates apply.
Applies to inputs longer than 200,000 tokens.
For prompts of at most 32K tokens, the prices are below.
The prices below apply to audio input.
These prices are for image tokens.
Prices for the Realtime API:
Prices of the Live API are shown below.
Speech prices are listed below.
These prices hold for video.
Prices in this table apply to Europe only.
These prices apply to EU data residency.
For customers in Europe, the prices below apply.
In Europe, the following prices apply.
In the EU region the prices are:
Pricing in China:
For mainland China, prices are as follows.
For requests processed in the US, the prices are below.
Prices when using US-only inference:
Data residency prices
Prices on AWS Bedrock:
Through Azure, the following prices apply.
On Vertex AI the prices are:
Prices through our marketplace partners:
Prices via OpenRouter:
These prices apply from 22:00 to 06:00 UTC.
Between 16:30 and 00:30 UTC the following prices apply.
Off-peak prices (16:30-00:30 UTC):
At night, these prices apply.
On weekends, the following prices apply.
During peak hours, prices are as follows.
Peak prices
Valley hours
Prices outside business hours:
For batch jobs of more than 24 hours, these prices apply.
These are example prices.
The numbers below are only an illustration.
Example: prices for a hypothetical model
Sample price list
Prices are for illustration purposes.
These prices include a discount of 50%.
50% off:
All prices shown are half off.
Half-price week
Prices after discount:
Prices shown with the annual discount applied.
Prices with credits applied:
Prices excluding the platform fee:
Platform fee included in prices below
These prices include a 5% platform fee.
Prices already include the 10% uplift.
The prices below include the regional uplift.
A 20% surcharge is included in these prices.
Prices for third-party resellers
Wholesale price list
Prices for internal use
Employee prices
Friends and family prices
For verified nonprofits the prices are as follows.
Educational institutions pay:
Public sector pricing
US government prices:
FedRAMP prices
HIPAA-eligible endpoint prices
With zero data retention, prices are:
Dedicated endpoints:
Reserved capacity prices
Provisioned throughput prices
Self-hosted prices
Prices for the EU (Frankfurt) region
Prices for deployments in Sydney
Prices of the mini plan
Prepaid prices
Pay-as-you-go prices after the free tier
Prices for low-priority requests
Prices for low-latency requests
Prices for guaranteed throughput
Deferred requests
Asynchronous requests are billed at these prices.
These prices are for asynchronous processing.
Overnight processing
Prices per agent run
Competitor prices
What others charge:
Prices at other providers:
Compared with competitors' prices:
Prices of GPT-4 class models elsewhere:
Maximum prices
Minimum prices:
Average prices:
Prices from
Starting prices:
Prices start at:
Estimated cost
Savings:
Discount:
Price difference to standard:
Surcharge:
Multipliers
Prices relative to GPT-5:
Night rates apply between 00:00 and 06:00.
With a 30% discount for startups.
Student discount applied.
Discount already applied: 25%.
Black Friday: 25% off all models!
After the partner rebate.
For contracts signed before June 2026.
For existing customers.
Members only
With an annual commitment.
Region: Frankfurt
Region: us-east-1
Data zone: EU
Country: Canada
Plan: Enterprise
Channel: AWS Marketplace
Discount: 20%
Promo code: LAUNCH
Deployment type: Data Zone
Mode: thinking
Context: > 128K
Hours: 00:00-08:00
Hours: 00:00-08:00 UTC
Weekdays: 9-17
"""

MONEY = """
Prices in Canadian dollars
CAD
(EUR)
All amounts are stated in Swiss francs.
The currency is the euro.
Prices are in EUR unless noted otherwise.
Billing currency: JPY
All prices shown in GBP (£).
Prices are quoted in HKD.
Figures in INR.
USD 1 = CAD 1.35; prices are in CAD.
Prices are converted to your currency at checkout.
Values are in cents.
Prices in US cents
All prices in ¢.
Prices are in credits.
Prices in tokens of our own currency, OrionCoin.
$ means Canadian dollars.
$ refers to Australian dollars.
"$" denotes New Zealand dollars.
Dollar amounts are Canadian.
Dollars are Australian dollars.
Prices include VAT of 20%.
All prices include 19% VAT.
Prices are inclusive of taxes.
Prices include GST.
Prices per 1,000 tokens
Price per 1K tokens
per 1K tokens
(per 1,000 tokens)
Unit: 1K tokens
Unit: 1,000 tokens
Prices are per million characters.
Prices per million words.
Rates are per 100,000 tokens.
Prices per 10M tokens.
Prices per billion tokens.
per thousand input tokens
USD / 1K tokens
$/1K tokens
USD per 1k tokens
in USD per thousand tokens
Prices per request.
Prices per call.
Prices per minute of audio.
Cost per image
Prices per second
Monthly price
Prices per month
Price per hour
Hourly rates
All prices per seat per month.
Prices are per 1M tokens per hour.
Prices per GPU hour
Tokens are billed by the thousand.
Billed per 1000 tokens
We charge per 1000 tokens.
Amounts are per one hundred thousand tokens.
Prices per 1M output images.
Prices x 1000
All prices in millicents
Prices in thousands of USD
Prices in µ$
Preise in Euro
Prix en euros
Precios en euros
价格单位:人民币
价格以人民币计
单位:元/百万tokens
単価は日本円です
Prices are shown excluding the conversion from EUR.
Rates are incl. VAT.
Preise inkl. MwSt.
価格は1,000トークンあたりです。
Prix TTC
"""

HARMLESS = """
Prices may change at any time.
Prices are subject to change without notice.
Pricing is subject to change.
We may update our prices from time to time.
All prices are in USD per 1M tokens.
All prices are in US dollars (USD).
All prices listed are in USD and exclude applicable taxes.
Prices exclude VAT.
Prices shown do not include taxes.
Prices do not include sales tax.
Listed prices do not include any applicable taxes.
Pricing is based on token usage.
You only pay for what you use.
Pay only for what you use.
Usage is billed monthly.
You are billed at the end of each month.
We charge based on the number of input and output tokens.
Our pricing is simple and transparent.
Simple, transparent pricing.
Pricing for our models is shown below.
Below is the pricing for our API models.
The table below shows pricing for our models.
The following table lists the prices of all models.
See the table below for prices.
Here are the prices for our latest models.
Prices are listed per million tokens.
Prices are quoted per 1M tokens unless otherwise stated.
Unless otherwise noted, prices are per 1M tokens.
For the most current pricing information, please visit our website.
For more information about pricing, contact sales.
Volume discounts are available.
Contact us for volume pricing.
Enterprise customers can contact sales for custom pricing.
Discounts may be available for academic researchers.
Batch API: Save 50% on inputs and outputs.
Save 50% with the Batch API.
The Batch API offers a 50% discount on both input and output tokens.
Batch requests are billed at half the price.
Batch processing is available at 50% of the standard price.
Get 50% off with the Batch API.
Cached tokens are billed at a 90% discount.
Cache reads cost 10% of the base input price.
Prompt caching multiplies the base input price by 1.25 for writes.
Reasoning tokens are billed as output tokens.
Output prices include reasoning tokens.
Output prices include thinking tokens.
Images are converted to tokens and billed at the input rate.
Fine-tuning prices are listed on a separate page.
See our fine-tuning page for training prices.
Long-context requests over 200K tokens are charged at 2x input.
Requests above 272K input tokens are priced at 2x input and 1.5x output.
Regional endpoints have a 10% premium over global endpoints.
Data residency endpoints are charged a 10% uplift.
Priority processing costs 2x the standard rates.
Web search costs $10 per 1,000 searches.
Tool calls are billed separately.
Storage is billed at $0.10 per GB per day.
Free tier users have lower rate limits.
Rate limits depend on your usage tier.
orion-2 was launched on August 7, 2025.
orion-2 will be deprecated on January 1, 2028.
The knowledge cutoff is June 2025.
Last updated: July 2026
Last updated July 1, 2026
Page last reviewed on 2026-07-01.
This page was last updated on July 1, 2026.
Effective prices may differ due to rounding.
Prices are rounded to the nearest cent.
Models are billed by tokens.
The price of each request depends on the number of tokens.
Use our calculator to estimate costs.
Estimate your cost with the calculator.
Check your usage on the dashboard.
Payments are processed by Stripe.
We accept all major credit cards.
A minimum purchase of $5 applies.
Credits expire after one year.
Token counts may vary by model.
The context window is 400K tokens.
Max output is 128K tokens.
Our most capable model for complex tasks.
Built for coding and agents.
New customers receive $5 in free credits.
Prices for audio tokens are listed on the audio page.
Embedding prices are shown on the embeddings page.
How does billing work?
What is a token?
Tokens are pieces of words.
1,000 tokens is about 750 words.
1M tokens equal about 750,000 words.
orion-2-mini is cheaper than orion-2.
orion-2 is 50% cheaper than orion-1.
On July 1, 2026 we cut the price of orion-1 by 80%.
Terms apply.
All rights reserved.
Prices are the same in all regions.
Prices apply to all customers.
These prices apply to all API users.
Prices apply globally.
The prices listed below are in units of per 1M tokens.
We recommend regularly checking this page for the most recent pricing information.
DeepSeek reserves the right to adjust the prices.
Product prices may vary and we reserve the right to adjust them.
The expense equals the number of tokens times the price.
Plan: all
Region: any
Customers: everyone
Discount: none
Batch API: 50% off
Prices excl. VAT apply in every region.
Support hours: 9:00 to 17:00 on weekdays.
Context window: 400K tokens
For organizations with questions, our sales team is there.
"""


def wrong(said: str, places: list[str], expected: int) -> list[str]:
    """Return the places in which another number of plain prices than `expected` is read beside a sentence."""
    written = PLACES | BELOW | NOTES
    return [place for place in places if len(silent(written[place].format(said))) != expected]


@pytest.mark.parametrize("said", TIMES.strip().split("\n"))
def test_a_time_that_is_not_that_of_today_is_none_of_a_plain_price(said: str) -> None:
    assert wrong(said, [*PLACES, "below the table", "a footnote"], 0) == []


@pytest.mark.parametrize("said", OFFERS.strip().split("\n"))
def test_an_offer_an_audience_a_size_or_a_region_is_none_of_a_plain_price(said: str) -> None:
    assert wrong(said, list(PLACES), 0) == []


@pytest.mark.parametrize("said", MONEY.strip().split("\n"))
def test_another_currency_or_unit_is_none_of_a_plain_price(said: str) -> None:
    assert wrong(said, [*PLACES, *BELOW], 0) == []


@pytest.mark.parametrize("said", HARMLESS.strip().split("\n"))
def test_what_is_said_of_anything_else_takes_no_price_away(said: str) -> None:
    titles = ("the title", "a heading", "a caption", "a row")
    assert wrong(said, [place for place in [*PLACES, *BELOW, *NOTES] if place not in titles], 2) == []
